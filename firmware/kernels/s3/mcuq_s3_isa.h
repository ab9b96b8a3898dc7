/* Whether this compiler's chip has the ESP32-S3's vector unit, or is the emulated chip that stands for it.
 *
 * MCUQ_S3: the cores are assembly (mcuq_s3_*_asm.S); elsewhere C (mcuq_s3_*.c), with the same bytes.
 * MCUQ_S3_EMULATED, given by whoever compiles for QEMU's dc233c core with the handler of firmware/emulator/s3. */
#ifndef MCUQ_S3_ISA_H
#define MCUQ_S3_ISA_H

#if defined(MCUQ_S3_EMULATED)
#define MCUQ_S3 1
#elif defined(__XTENSA__) && defined(__has_include)
#if __has_include(<xtensa/config/tie.h>)
#include <xtensa/config/tie.h>
#if defined(XCHAL_CP_ID_COP_AI)
#define MCUQ_S3 1
#endif
#endif
#endif

#ifndef MCUQ_S3
#define MCUQ_S3 0
#endif

#endif
