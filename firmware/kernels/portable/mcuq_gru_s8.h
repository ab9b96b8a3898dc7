/* Gated recurrent unit, int8 with a state of int16. Meaning: mcuq/ops/gru.py. */
#ifndef MCUQ_GRU_S8_H
#define MCUQ_GRU_S8_H

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
    const int8_t *weights;               /* (3, units, input_c): update, reset, new gate */
    const int8_t *recurrent;             /* (3, units, units) */
    const int32_t *bias;                 /* (3, units), the input's zero point included */
    const int32_t *recurrent_bias;       /* (3, units), the hidden state's zero point included */
    const int32_t *multiplier;           /* (3, units) */
    const int8_t *shift;                 /* (3, units) */
    const int32_t *recurrent_multiplier; /* (3, units) */
    const int8_t *recurrent_shift;       /* (3, units) */
    const uint16_t *logistic;            /* (256) */
} mcuq_gru_s8_params;

/* input (steps, input_c), state (units), output (steps, units), state_out (units), which may be state;
 * scratch: 9 * units bytes, aligned to 2. */
void mcuq_gru_s8(const mcuq_gru_s8_params *params, const int8_t *input, const int16_t *state, int8_t *output,
                 int16_t *state_out, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
