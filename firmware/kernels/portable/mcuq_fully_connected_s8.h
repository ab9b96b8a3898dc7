/* Fully connected layer, int8. Meaning: mcuq/ops/fully_connected.py. */
#ifndef MCUQ_FULLY_CONNECTED_S8_H
#define MCUQ_FULLY_CONNECTED_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t batch; /* vectors */
    int32_t input_c;
    int32_t output_c;
    int32_t input_zero_point;
    int32_t output_zero_point;
    int32_t activation_min;
    int32_t activation_max;
    int32_t per_channel;       /* 1: one multiplier per output channel, 0: one for all */
    int32_t reverse;           /* 1: last vector first, so that the output may lie behind the input */
    const int8_t *weights;     /* (output_c, input_c) */
    const int32_t *bias;       /* (output_c) */
    const int32_t *multiplier; /* (output_c) or (1) */
    const int8_t *shift;       /* (output_c) or (1) */
} mcuq_fully_connected_s8_params;

/* input (batch, input_c), output (batch, output_c); scratch unused. */
void mcuq_fully_connected_s8(const mcuq_fully_connected_s8_params *params, const int8_t *input, int8_t *output,
                             void *scratch);

#ifdef __cplusplus
}
#endif

#endif
