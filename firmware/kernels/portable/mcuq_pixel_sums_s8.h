/* Sums of channels over pixels, int8. Meaning: mcuq/ops/pixel_sums.py. */
#ifndef MCUQ_PIXEL_SUMS_S8_H
#define MCUQ_PIXEL_SUMS_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t pixels;
    int32_t channels;
} mcuq_pixel_sums_s8_params;

/* before and output: sums (channels), int32 at any address, output may be before; input (pixels, channels). Scratch
 * unused. */
void mcuq_pixel_sums_s8(const mcuq_pixel_sums_s8_params *params, const int8_t *before, const int8_t *input,
                        int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
