/* Whether this compiler's chip is an ESP32 (Xtensa LX6), or the emulated chip that stands for it.
 *
 * MCUQ_MAC16: the cores are assembly (mcuq_mac16_*_asm.S); elsewhere C (mcuq_mac16_*.c), with the same bytes.
 * MCUQ_MAC16_EMULATED, given by whoever compiles for QEMU's dc233c core: it has the LX6's MAC16, loops, sext, min, max
 * and clamps but no mulsh, and the assembler at hand (the ESP8266's) knows none of them. */
#ifndef MCUQ_MAC16_ISA_H
#define MCUQ_MAC16_ISA_H

#if defined(MCUQ_MAC16_EMULATED)
#define MCUQ_MAC16 1
#elif defined(__XTENSA__) && defined(__has_include)
#if __has_include(<xtensa/config/core-isa.h>)
#include <xtensa/config/core-isa.h>
#if XCHAL_HAVE_MAC16 && XCHAL_HAVE_LOOPS && XCHAL_HAVE_MUL32_HIGH && XCHAL_HAVE_MINMAX && XCHAL_HAVE_CLAMPS
#define MCUQ_MAC16 1
#endif
#endif
#endif

#ifndef MCUQ_MAC16
#define MCUQ_MAC16 0
#endif

#endif
