/* Depthwise convolution of one window, int8. Meaning: mcuq/kernels/lanes/depthwise_conv2d_window.py. */
#ifndef MCUQ_DEPTHWISE_CONV2D_WINDOW_S8_LANES_H
#define MCUQ_DEPTHWISE_CONV2D_WINDOW_S8_LANES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t channels;
    int32_t rows; /* of the window */
    int32_t columns;
    int32_t row_step; /* bytes from row to row of the window */
    int32_t column_step;
    int32_t output_zero_point;
    int32_t activation_min;
    int32_t activation_max;
    int32_t per_channel;       /* 1: one multiplier per channel, 0: one for all */
    const int8_t *weights;     /* (rows, columns, channels) */
    const int32_t *bias;       /* (channels), the input's zero point included */
    const int32_t *multiplier; /* (channels) or (1) */
    const int8_t *shift;       /* (channels) or (1) */
} mcuq_depthwise_conv2d_window_s8_lanes_params;

/* input: an image that begins with the window; output (channels); no scratch. */
void mcuq_depthwise_conv2d_window_s8_lanes(const mcuq_depthwise_conv2d_window_s8_lanes_params *params,
                                           const int8_t *input, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
