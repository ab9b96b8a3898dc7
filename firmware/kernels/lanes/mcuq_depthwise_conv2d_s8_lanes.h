/* Depthwise convolution of any window, int8, four outputs at a time. Meaning: mcuq/kernels/lanes/depthwise_conv2d.py.
 */
#ifndef MCUQ_DEPTHWISE_CONV2D_S8_LANES_H
#define MCUQ_DEPTHWISE_CONV2D_S8_LANES_H

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
    int32_t per_channel;       /* 1: one multiplier per channel, 0: one for all */
    int32_t reverse;           /* 1: last pixels first, so that the output may lie behind the input */
    const int8_t *weights;     /* (channels, filter_h, filter_w) */
    const int32_t *bias;       /* (channels), the input's zero point included */
    const int32_t *multiplier; /* (channels) or (1) */
    const int8_t *shift;       /* (channels) or (1) */
} mcuq_depthwise_conv2d_s8_lanes_params;

/* input (input_h, input_w, channels), output (output_h, output_w, channels); scratch unused. */
void mcuq_depthwise_conv2d_s8_lanes(const mcuq_depthwise_conv2d_s8_lanes_params *params, const int8_t *input,
                                    int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
