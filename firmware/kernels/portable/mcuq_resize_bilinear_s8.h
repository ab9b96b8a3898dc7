/* Resizing by interpolation between four pixels, int8. Meaning: mcuq/ops/resize_bilinear.py. */
#ifndef MCUQ_RESIZE_BILINEAR_S8_H
#define MCUQ_RESIZE_BILINEAR_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t input_h;
    int32_t input_w;
    int32_t channels;
    int32_t output_h;
    int32_t output_w;
    int32_t scale_h; /* rows of the input per row of the output, in 1/1024 */
    int32_t scale_w;
    int32_t offset_h; /* where row 0 lies, in 1/1024 */
    int32_t offset_w;
} mcuq_resize_bilinear_s8_params;

/* input (input_h, input_w, channels), output (output_h, output_w, channels); scratch unused. */
void mcuq_resize_bilinear_s8(const mcuq_resize_bilinear_s8_params *params, const int8_t *input, int8_t *output,
                             void *scratch);

#ifdef __cplusplus
}
#endif

#endif
