/* 2-D convolution, 3x3, stride 1, int8, by Winograd's F(2x2, 3x3). Meaning: mcuq/kernels/lanes/conv2d_winograd.py. */
#ifndef MCUQ_CONV2D_WINOGRAD_S8_LANES_H
#define MCUQ_CONV2D_WINOGRAD_S8_LANES_H

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
    int32_t pad_top;
    int32_t pad_left;
    int32_t input_zero_point;
    int32_t output_zero_point;
    int32_t activation_min;
    int32_t activation_max;
    int32_t per_channel;       /* 1: one multiplier per output channel, 0: one for all */
    int32_t block_in;          /* input channels at a time, even; if not all of them, sums wait in the scratch */
    int32_t block_out;         /* output channels whose sums wait at a time, a multiple of 4 */
    int32_t reverse;           /* 1: last tiles first, so that the output may lie behind the input */
    const int16_t *weights;    /* transformed, times 4: per 4 of output_c, per block_in: (16, channels of it, 4); both
                                  numbers of channels rounded up with zeros, to 4 and to 2 */
    const int32_t *bias;       /* (output_c), the input's zero point included */
    const int32_t *multiplier; /* (output_c) or (1) */
    const int8_t *shift;       /* (output_c) or (1) */
} mcuq_conv2d_winograd_s8_lanes_params;

/* input (input_h, input_w, input_c), output (output_h, output_w, output_c); scratch: 128 bytes per channel of a block
 * of the input, and where sums wait 64 per channel of a block of the output. */
void mcuq_conv2d_winograd_s8_lanes(const mcuq_conv2d_winograd_s8_lanes_params *params, const int8_t *input,
                                   int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
