/* The upper half of a product of 32 bits: one instruction where the chip has it (mulh of RISC-V, mulsh of Xtensa). */
#ifndef MCUQ_PRODUCT_ISA_H
#define MCUQ_PRODUCT_ISA_H

#include <stdint.h>

#if defined(__XTENSA__) && defined(__has_include)
#if __has_include(<xtensa/config/core-isa.h>)
#include <xtensa/config/core-isa.h>
#endif
#endif

#if defined(__XTENSA__) && !(defined(XCHAL_HAVE_MUL32_HIGH) && XCHAL_HAVE_MUL32_HIGH)
/* Of pieces of 16 bits, as nothing overflows: GCC would call for all 64 bits. */
static inline int32_t mcuq_upper_product(int32_t a, int32_t b) {
    const uint32_t a_low = (uint32_t)a & 0xffff, b_low = (uint32_t)b & 0xffff;
    const int32_t a_high = a >> 16, b_high = b >> 16;
    const int32_t middle = a_high * (int32_t)b_low + (int32_t)(a_low * b_low >> 16);
    const int32_t carried = (int32_t)a_low * b_high + (middle & 0xffff);
    return a_high * b_high + (middle >> 16) + (carried >> 16);
}
#else
static inline int32_t mcuq_upper_product(int32_t a, int32_t b) {
    return (int32_t)(((int64_t)a * b) >> 32);
}
#endif

#endif
