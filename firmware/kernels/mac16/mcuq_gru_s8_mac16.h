/* Gated recurrent unit, int8 with a state of int16. Meaning: mcuq/kernels/mac16/gru.py. */
#ifndef MCUQ_GRU_S8_MAC16_H
#define MCUQ_GRU_S8_MAC16_H

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
    int32_t taps;           /* input_c, filled up to a multiple of 4 */
    int32_t recurrent_taps; /* units, likewise */
    int32_t sharing;        /* channels that have one scale, one after the other */
    int32_t recurrent_sharing;
    const uint8_t *weights;         /* (3 * units, taps), even ones 128 more than they are */
    const uint8_t *recurrent;       /* (3 * units, recurrent_taps), likewise */
    const int32_t *bias;            /* (3 * units), of the negated sums, 256 times, with what the offsets of x add */
    const int32_t *recurrent_bias;  /* (3 * units), likewise */
    const int32_t *scale;           /* (3 * units / sharing, 2): multiplier, and what rounds plus right shift + 7 */
    const int32_t *recurrent_scale; /* (3 * units / recurrent_sharing, 2), likewise */
    const uint16_t *logistic;       /* (256) */
} mcuq_gru_s8_mac16_params;

/* input (steps, input_c), state (units), output (steps, units), state_out (units), which may be state;
 * scratch: int16, the taps of the longer vector and (4, units), aligned to 4; units bytes. */
void mcuq_gru_s8_mac16(const mcuq_gru_s8_mac16_params *params, const int8_t *input, const int16_t *state,
                       int8_t *output, int16_t *state_out, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
