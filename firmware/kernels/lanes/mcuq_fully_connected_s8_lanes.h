/* Fully connected layer, int8, two channels per register. Meaning: mcuq/kernels/lanes/fully_connected.py. */
#ifndef MCUQ_FULLY_CONNECTED_S8_LANES_H
#define MCUQ_FULLY_CONNECTED_S8_LANES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t batch; /* vectors */
    int32_t input_c;
    int32_t output_c;
    int32_t chunk; /* inputs whose products are summed in 16 bits: 8, 4, 3 or 1 */
    int32_t output_zero_point;
    int32_t activation_min;
    int32_t activation_max;
    int32_t per_channel; /* 1: one multiplier per output channel, 0: one for all */
    int32_t reverse;     /* 1: last vector first, so that the output may lie behind the input */
    const int32_t
        *weights; /* bytes (output_c / 8, input_c, 8), 128 added but for chunk 1; int8 (output_c % 8, input_c) */
    const int32_t *extra; /* (n + 1, 2): channel, and input * 256 + weight + 128 to be added; the last channel: -1 */
    const int32_t *bias;  /* (output_c), the input's zero point included */
    const int32_t *multiplier; /* (output_c) or (1) */
    const int8_t *shift;       /* (output_c) or (1) */
} mcuq_fully_connected_s8_lanes_params;

/* input (batch, input_c), output (batch, output_c); scratch: a word per chunk of more than one input, the last one may
 * be shorter. */
void mcuq_fully_connected_s8_lanes(const mcuq_fully_connected_s8_lanes_params *params, const int8_t *input,
                                   int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
