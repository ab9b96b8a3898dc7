/* What the ESP32-S3's cores need in registers and cannot make. */
#ifndef MCUQ_S3_CONSTANTS_H
#define MCUQ_S3_CONSTANTS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* int16 1 and -32768, int8 -1; then 16 times -128; then, of eight lanes of 20 bits, the lower 15; at 52, for weights of
 * 1, 2 and 4 bits, their mask and what they are stored larger by. At a multiple of 16. */
extern const int8_t mcuq_s3_constants[64];

#ifdef __cplusplus
}
#endif

#endif
