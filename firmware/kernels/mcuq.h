/* mcuq kernel library: version and placement.
 *
 * Override a macro on the compiler's command line to place constants, the arena or kernels elsewhere. */
#ifndef MCUQ_H
#define MCUQ_H

#include <stdint.h>

/* Generated code refuses a library of another version. */
#define MCUQ_VERSION 100 /* 0.1.0 */

/* Attribute of constant tables; empty: .rodata, which the ESP32 family maps from flash. */
#ifndef MCUQ_CONST
#define MCUQ_CONST
#endif

/* Attribute of the static arena. */
#ifndef MCUQ_ARENA
#define MCUQ_ARENA
#endif

/* Called after every step with its index, its output and the output's bytes; for debugging and verification. */
#ifndef MCUQ_AFTER_STEP
#define MCUQ_AFTER_STEP(index, output, bytes) ((void)0)
#endif

#endif
