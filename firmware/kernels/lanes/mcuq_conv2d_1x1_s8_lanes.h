/* 1x1 convolution, int8, two pixels per register (mcuq_lanes.h). Meaning: mcuq/kernels/lanes/conv2d.py. */
#ifndef MCUQ_CONV2D_1X1_S8_LANES_H
#define MCUQ_CONV2D_1X1_S8_LANES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t pixels;
    int32_t input_c;
    int32_t output_c;
    int32_t output_zero_point;
    int32_t activation_min;
    int32_t activation_max;
    int32_t per_channel;       /* 1: one multiplier per output channel, 0: one for all */
    int32_t reverse;           /* 1: last pixels first, so that the output may lie behind the input */
    const int8_t *weights;     /* (output_c / 4, input_c, 4), then (output_c % 4, input_c) */
    const int32_t *bias;       /* (output_c), the input's zero point included */
    const int32_t *multiplier; /* (output_c) or (1) */
    const int8_t *shift;       /* (output_c) or (1) */
} mcuq_conv2d_1x1_s8_lanes_params;

/* input (pixels, input_c), output (pixels, output_c); scratch: two words per tap, taps rounded up to even. */
void mcuq_conv2d_1x1_s8_lanes(const mcuq_conv2d_1x1_s8_lanes_params *params, const int8_t *input, int8_t *output,
                              void *scratch);

#ifdef __cplusplus
}
#endif

#endif
