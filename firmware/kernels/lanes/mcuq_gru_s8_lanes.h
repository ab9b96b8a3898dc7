/* Gated recurrent unit, int8 with a state of int16. Meaning: mcuq/kernels/lanes/gru.py. */
#ifndef MCUQ_GRU_S8_LANES_H
#define MCUQ_GRU_S8_LANES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t steps;
    int32_t input_c;
    int32_t units;
    int32_t reset_after; /* whether the reset gate is applied to the product, or to what goes into it */
    int32_t kept_shift;  /* of 2^-16 times update gate and state */
    int32_t fresh_shift; /* of 2^-16 times the rest of the update gate and the new gate */
    int32_t output_multiplier;
    int32_t output_shift;
    int32_t reset_multiplier; /* of reset gate times state */
    int32_t reset_shift;
    int32_t output_zero_point;
    int32_t general; /* 1: some channel needs more than mcuq_requantize_fast */
    int32_t chunk;   /* inputs whose products are summed in 16 bits: 8, 4, 3 or 1 */
    int32_t recurrent_chunk;
    int32_t fresh_chunk;
    const int32_t *weights; /* of 3 * units channels, input_c each: mcuq_vectors_bytes.h */
    const int32_t *extra;
    const int32_t *recurrent; /* of update and reset gate, 2 * units channels */
    const int32_t *recurrent_extra;
    const int32_t *fresh; /* of the new gate, units channels */
    const int32_t *fresh_extra;
    const int32_t *bias;                 /* (3, units), the input's zero point included */
    const int32_t *recurrent_bias;       /* (3, units), the hidden state's zero point included */
    const int32_t *multiplier;           /* (3, units) */
    const int8_t *shift;                 /* (3, units) */
    const int32_t *recurrent_multiplier; /* (3, units) */
    const int8_t *recurrent_shift;       /* (3, units) */
    const uint16_t *logistic;            /* (256) */
} mcuq_gru_s8_lanes_params;

/* input (steps, input_c), state (units), output (steps, units), state_out (units), which may be state;
 * scratch: a word per chunk of more than one input of the three vectors, and 13 * units bytes. */
void mcuq_gru_s8_lanes(const mcuq_gru_s8_lanes_params *params, const int8_t *input, const int16_t *state,
                       int8_t *output, int16_t *state_out, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
