/* Depthwise 3x3 convolution, int8, weights in registers. Meaning: mcuq/kernels/lanes/depthwise_conv2d.py. */
#ifndef MCUQ_DEPTHWISE_CONV2D_3X3_S8_LANES_H
#define MCUQ_DEPTHWISE_CONV2D_3X3_S8_LANES_H

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
    int32_t stride; /* 1 or 2 */
    int32_t pad_top;
    int32_t pad_left;
    int32_t input_zero_point;
    int32_t output_zero_point;
    int32_t activation_min;
    int32_t activation_max;
    int32_t per_channel;       /* 1: one multiplier per channel, 0: one for all */
    int32_t block;             /* rows of the output at a time */
    int32_t end;               /* first row whose window reaches below the image, or output_h */
    int32_t blocks;            /* a first and a last row whose windows reach beyond the image count as one each */
    int32_t reverse;           /* 1: last row first, so that the output may lie behind the input */
    const int8_t *weights;     /* (channels, 3, 3) */
    const int32_t *bias;       /* (channels), the input's zero point included */
    const int32_t *multiplier; /* (channels) or (1) */
    const int8_t *shift;       /* (channels) or (1) */
} mcuq_depthwise_conv2d_3x3_s8_lanes_params;

/* input (input_h, input_w, channels), output (output_h, output_w, channels). A window reaches at most one row or column
 * beyond each side of the image. scratch unused. */
void mcuq_depthwise_conv2d_3x3_s8_lanes(const mcuq_depthwise_conv2d_3x3_s8_lanes_params *params, const int8_t *input,
                                        int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
