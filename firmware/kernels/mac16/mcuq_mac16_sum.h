/* Sums of two operands by table. Assembly on an ESP32, C elsewhere. */
#ifndef MCUQ_MAC16_SUM_H
#define MCUQ_MAC16_SUM_H

#include <stdint.h>

#include "mcuq_mac16_isa.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Which tables hold as it is, or what their first one holds more (multiply_high in mcuq_mac16_asm.h). */
#if defined(MCUQ_MAC16_EMULATED)
enum { MCUQ_MAC16_SUM_OFFSET = 1 << 16 };
#else
enum { MCUQ_MAC16_SUM_OFFSET = 0 };
#endif

/* The assembly knows the members by their place. */
typedef struct {
    const int8_t *a;
    const int8_t *b;
    int8_t *output;
    int32_t elements;
    const int32_t *table_a; /* (256), by a as an unsigned byte: -4 times its share of the sum, and the offset */
    const int32_t *table_b; /* (256) */
    int32_t multiplier;
    int32_t exponent; /* right shift, 1..21 */
    int32_t zero_point;
    int32_t min;
    int32_t max;
} mcuq_mac16_sum;

/* output[i] = requantize(share of a[i] + share of b[i]); the output may be one of the operands. */
void mcuq_mac16_sum_run(const mcuq_mac16_sum *sum);

#ifdef __cplusplus
}
#endif

#endif
