/* Sums of channels over pixels for the ESP32-S3's vector unit, int8. Meaning: mcuq/kernels/s3/pixel_sums.py. */
#ifndef MCUQ_PIXEL_SUMS_S8_S3_H
#define MCUQ_PIXEL_SUMS_S8_S3_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t pixels;
    int32_t channels;
} mcuq_pixel_sums_s8_s3_params;

/* before and output: sums (channels), int32, output may be before; input (pixels, channels); all at multiples of 16.
 * Scratch unused. */
void mcuq_pixel_sums_s8_s3(const mcuq_pixel_sums_s8_s3_params *params, const int8_t *before, const int8_t *input,
                           int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
