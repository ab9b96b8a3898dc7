/* Sums of channels over pixels. Assembly on an ESP32-S3, C elsewhere. */
#ifndef MCUQ_S3_PIXEL_SUMS_H
#define MCUQ_S3_PIXEL_SUMS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* before and output: sums (channels), int32, may be the same memory; input (pixels, channels); all at multiples of 16.
 * constants: mcuq_s3_constants. */
void mcuq_s3_pixel_sums(const int8_t *before, const int8_t *input, int8_t *output, int32_t pixels, int32_t channels,
                        const int8_t *constants);

#ifdef __cplusplus
}
#endif

#endif
