/* 2-D convolution, int8, two pixels per register, for 16 registers. Meaning: mcuq/kernels/r16/conv2d.py. */
#ifndef MCUQ_CONV2D_S8_R16_H
#define MCUQ_CONV2D_S8_R16_H

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
    int32_t dilation_w;
    int32_t pad_top;
    int32_t pad_left;
    int32_t input_zero_point;
    int32_t output_zero_point;
    int32_t activation_min;
    int32_t activation_max;
    int32_t per_channel;       /* 1: one multiplier per output channel, 0: one for all */
    int32_t reverse;           /* 1: last pixels first, so that the output may lie behind the input */
    const uint8_t *weights;    /* (output_c / 4, taps, 4), then (output_c % 4, taps), 128 added; taps (filter_h,
                                  filter_w, input_c); behind them four bytes for each tap that the last four lack */
    const int32_t *bias;       /* (output_c), the input's zero point included */
    const int32_t *multiplier; /* (output_c) or (1) */
    const int8_t *shift;       /* (output_c) or (1) */
} mcuq_conv2d_s8_r16_params;

/* input (input_h, input_w, input_c), output (output_h, output_w, output_c); scratch: six words per four taps, the last
 * ones filled up, then two rows of a window in bytes. */
void mcuq_conv2d_s8_r16(const mcuq_conv2d_s8_r16_params *params, const int8_t *input, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
