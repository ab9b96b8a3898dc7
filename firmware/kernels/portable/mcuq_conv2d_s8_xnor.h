/* 2-D convolution of signs with signs; also fully connected. Meaning: mcuq/kernels/portable/conv2d_xnor.py. */
#ifndef MCUQ_CONV2D_S8_XNOR_H
#define MCUQ_CONV2D_S8_XNOR_H

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
    int32_t output_zero_point;
    int32_t activation_min;
    int32_t activation_max;
    int32_t per_channel;       /* 1: one multiplier per output channel, 0: one for all */
    const int32_t *weights;    /* (output_c, filter_h, filter_w, input_c / 32): a bit is 1 for -1 */
    const int32_t *bias;       /* (output_c) */
    const int32_t *multiplier; /* (output_c) or (1) */
    const int8_t *shift;       /* (output_c) or (1) */
} mcuq_conv2d_s8_xnor_params;

/* input (input_h, input_w, input_c), output (output_h, output_w, output_c); scratch (input_h, input_w, input_c / 32)
 * words. */
void mcuq_conv2d_s8_xnor(const mcuq_conv2d_s8_xnor_params *params, const int8_t *input, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
