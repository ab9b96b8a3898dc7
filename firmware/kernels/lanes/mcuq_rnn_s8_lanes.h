/* Simple recurrent layer, int8. Meaning: mcuq/kernels/lanes/rnn.py. */
#ifndef MCUQ_RNN_S8_LANES_H
#define MCUQ_RNN_S8_LANES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t steps;
    int32_t input_c;
    int32_t units;
    int32_t output_multiplier;
    int32_t output_shift;
    int32_t output_zero_point;
    int32_t general; /* 1: some channel needs more than mcuq_requantize_fast */
    int32_t chunk;   /* inputs whose products are summed in 16 bits: 8, 4, 3 or 1 */
    int32_t recurrent_chunk;
    const int32_t *weights; /* of units channels, input_c each: mcuq_vectors_bytes.h */
    const int32_t *extra;
    const int32_t *recurrent; /* of units channels, units each */
    const int32_t *recurrent_extra;
    const int32_t *bias;                 /* (units), the input's zero point included */
    const int32_t *recurrent_bias;       /* (units), that of the hidden state's zero point */
    const int32_t *multiplier;           /* (units) */
    const int8_t *shift;                 /* (units) */
    const int32_t *recurrent_multiplier; /* (units) */
    const int8_t *recurrent_shift;       /* (units) */
    const uint16_t *logistic;            /* (256) */
} mcuq_rnn_s8_lanes_params;

/* input (steps, input_c), hidden (units), output (steps, units);
 * scratch: a word per chunk of more than one input of both vectors, and 2 * units bytes. */
void mcuq_rnn_s8_lanes(const mcuq_rnn_s8_lanes_params *params, const int8_t *input, const int8_t *hidden,
                       int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
