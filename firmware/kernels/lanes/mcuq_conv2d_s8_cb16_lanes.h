/* 2-D convolution, int8, with weights of a codebook of 16, two pixels per register. Meaning:
 * mcuq/kernels/lanes/conv2d_codebook.py. */
#ifndef MCUQ_CONV2D_S8_CB16_LANES_H
#define MCUQ_CONV2D_S8_CB16_LANES_H

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
    int32_t pairs;             /* of pixels at a time: 4, or 2 where there are few */
    int32_t block_taps;        /* of a window at a time */
    int32_t block_channels;    /* output channels whose sums wait for the next taps, a multiple of 2 */
    int32_t chunks;            /* of two taps */
    int32_t general;           /* 1: scales that mcuq_requantize_fast does not cover */
    int32_t reverse;           /* 1: last pixels first, so that the output may lie behind the input */
    const int32_t *bias;       /* (output_c), the input's zero point included */
    const int32_t *multiplier; /* (output_c) or (1) */
    const int8_t *shift;       /* (output_c) or (1) */
    int32_t codebooks;
    int32_t per_group;       /* 1: each output channel says which levels are its, 0: all have the same */
    const uint8_t *weights;  /* (output_c / 2, taps / 2, 2), rounded up: indices of two taps */
    const int8_t *levels;    /* (codebooks, 16) */
    const uint8_t *codebook; /* (output_c) or (1) */
} mcuq_conv2d_s8_cb16_lanes_params;

/* input (input_h, input_w, input_c), output (output_h, output_w, output_c); scratch: 512 bytes per codebook, two words
 * per pair and channel of a block, a word per pair and tap of a block, a byte per pixel of a pair and such tap. */
void mcuq_conv2d_s8_cb16_lanes(const mcuq_conv2d_s8_cb16_lanes_params *params, const int8_t *input, int8_t *output,
                               void *scratch);

#ifdef __cplusplus
}
#endif

#endif
