/* 2-D convolution, int8, with weights of 1 bit, by tables of sums. Meaning: mcuq/kernels/portable/conv2d_w1.py. */
#ifndef MCUQ_CONV2D_S8_W1_H
#define MCUQ_CONV2D_S8_W1_H

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
    int32_t per_channel;    /* 1: one multiplier per output channel, 0: one for all */
    int32_t words;          /* words of a sum in large tiles, two pixels each; 1 in small ones */
    int32_t chunk;          /* taps whose tables are there at a time */
    int32_t general;        /* 1: scales that mcuq_signs_scaled does not cover */
    int32_t reverse;        /* 1: last pixels first, so that the output may lie behind the input */
    const int32_t *weights; /* (chunks, output_c, words of a chunk): 32 taps each, the last chunk's as many as it has */
    const int32_t *bias;    /* (output_c), the input's zero point included */
    const int32_t *multiplier; /* (output_c) or (1) */
    const int8_t *shift;       /* (output_c) or (1) */
} mcuq_conv2d_s8_w1_params;

/* input (input_h, input_w, input_c), output (output_h, output_w, output_c); scratch: 2 * words words per output
 * channel, then for a chunk 4 * words words per tap and its taps of two pixels in bytes. */
void mcuq_conv2d_s8_w1(const mcuq_conv2d_s8_w1_params *params, const int8_t *input, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
