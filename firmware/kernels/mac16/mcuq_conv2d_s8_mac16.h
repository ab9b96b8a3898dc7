/* 2-D convolution for the ESP32's MAC16, int8. Meaning: mcuq/kernels/mac16/conv2d.py. */
#ifndef MCUQ_CONV2D_S8_MAC16_H
#define MCUQ_CONV2D_S8_MAC16_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t input_h;
    int32_t input_w;
    int32_t input_c;
    int32_t output_h;
    int32_t output_w;
    int32_t output_c;
    int32_t filter_h;
    int32_t filter_w;
    int32_t stride_h;
    int32_t stride_w;
    int32_t dilation_h;
    int32_t pad_top;
    int32_t pad_left;
    int32_t input_zero_point;
    int32_t output_zero_point;
    int32_t activation_min;
    int32_t activation_max;
    int32_t per_channel;       /* 1: one multiplier per output channel, 0: one for all */
    int32_t reverse;           /* 1: last row first, so that the output may lie behind the input */
    int32_t column;            /* values of one column of a window, filled up to an even number */
    int32_t taps;              /* values of one filter, filled up to a multiple of 4 */
    int32_t tile_rows;         /* more than 1 only with tile_pixels = output_w */
    int32_t tile_pixels;       /* output pixels of a row that are computed together */
    const int8_t *weights;     /* (output_c, taps), column by column */
    const int32_t *bias;       /* (output_c), negated, with what x being 127 - input adds; and right shifts */
    const int32_t *multiplier; /* (output_c) or (1) */
} mcuq_conv2d_s8_mac16_params;

/* input (input_h, input_w, input_c), output (output_h, output_w, output_c); scratch: a tile's columns, a filter. */
void mcuq_conv2d_s8_mac16(const mcuq_conv2d_s8_mac16_params *params, const int8_t *input, int8_t *output,
                          void *scratch);

#ifdef __cplusplus
}
#endif

#endif
