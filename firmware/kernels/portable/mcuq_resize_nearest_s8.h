/* Resizing by repeating or leaving out pixels, int8. Meaning: mcuq/ops/resize_nearest.py. */
#ifndef MCUQ_RESIZE_NEAREST_S8_H
#define MCUQ_RESIZE_NEAREST_S8_H

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
    const int32_t *rows;    /* (output_h), of the input */
    const int32_t *columns; /* (output_w) */
} mcuq_resize_nearest_s8_params;

/* input (input_h, input_w, channels), output (output_h, output_w, channels); scratch unused. */
void mcuq_resize_nearest_s8(const mcuq_resize_nearest_s8_params *params, const int8_t *input, int8_t *output,
                            void *scratch);

#ifdef __cplusplus
}
#endif

#endif
