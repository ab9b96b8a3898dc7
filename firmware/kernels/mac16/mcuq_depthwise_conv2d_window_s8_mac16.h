/* Depthwise convolution of one window for the MAC16, int8. Meaning: mcuq/kernels/mac16/depthwise_conv2d_window.py. */
#ifndef MCUQ_DEPTHWISE_CONV2D_WINDOW_S8_MAC16_H
#define MCUQ_DEPTHWISE_CONV2D_WINDOW_S8_MAC16_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t channels;
    int32_t taps; /* in a row of the window, which has one */
    int32_t step; /* bytes from tap to tap */
    int32_t output_zero_point;
    int32_t activation_min;
    int32_t activation_max;
    int32_t per_channel;       /* 1: one multiplier per channel, 0: one for all */
    const int16_t *weights;    /* (channels, taps, even), 256 times what they are, and two more */
    const int32_t *bias;       /* (channels), negated, with what x being 127 - input adds; and right shifts */
    const int32_t *multiplier; /* (channels) or (1) */
} mcuq_depthwise_conv2d_window_s8_mac16_params;

/* input: an image that begins with the window; output (channels); no scratch. */
void mcuq_depthwise_conv2d_window_s8_mac16(const mcuq_depthwise_conv2d_window_s8_mac16_params *params,
                                           const int8_t *input, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
