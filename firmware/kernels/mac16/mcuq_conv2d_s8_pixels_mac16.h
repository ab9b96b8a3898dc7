/* Convolution for the ESP32's MAC16 with little scratch, int8. Meaning: mcuq/kernels/mac16/conv2d_pixels.py. */
#ifndef MCUQ_CONV2D_S8_PIXELS_MAC16_H
#define MCUQ_CONV2D_S8_PIXELS_MAC16_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t input_h;
    int32_t input_w;
    int32_t input_c; /* a multiple of 4 */
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
    int32_t reverse;           /* 1: last pixel first, so that the output may lie behind the input */
    const uint8_t *weights;    /* (output_c, filter_h, filter_w, input_c), even ones 128 more than they are */
    const int32_t *bias;       /* (output_c), negated, with what the offsets of x add; and right shifts */
    const int32_t *multiplier; /* (output_c) or (1) */
} mcuq_conv2d_s8_pixels_mac16_params;

/* input (input_h, input_w, input_c), output (output_h, output_w, output_c); scratch: one window of int16, (filter_h,
 * filter_w, input_c). */
void mcuq_conv2d_s8_pixels_mac16(const mcuq_conv2d_s8_pixels_mac16_params *params, const int8_t *input, int8_t *output,
                                 void *scratch);

#ifdef __cplusplus
}
#endif

#endif
