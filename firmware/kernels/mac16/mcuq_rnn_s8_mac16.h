/* Simple recurrent layer, int8. Meaning: mcuq/kernels/mac16/rnn.py. */
#ifndef MCUQ_RNN_S8_MAC16_H
#define MCUQ_RNN_S8_MAC16_H

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
    int32_t taps;           /* input_c, filled up to a multiple of 4 */
    int32_t recurrent_taps; /* units, likewise */
    int32_t sharing;        /* channels that have one scale, one after the other */
    int32_t recurrent_sharing;
    const uint8_t *weights;         /* (units, taps), even ones 128 more than they are */
    const uint8_t *recurrent;       /* (units, recurrent_taps), likewise */
    const int32_t *bias;            /* (units), of the negated sums, 256 times, with what the offsets of x add */
    const int32_t *recurrent_bias;  /* (units), likewise */
    const int32_t *scale;           /* (units / sharing, 2): multiplier, and what rounds plus right shift + 7 */
    const int32_t *recurrent_scale; /* (units / recurrent_sharing, 2), likewise */
    const uint16_t *logistic;       /* (256) */
} mcuq_rnn_s8_mac16_params;

/* input (steps, input_c), hidden (units), output (steps, units);
 * scratch: int16, the taps of the longer vector and (units), aligned to 4. */
void mcuq_rnn_s8_mac16(const mcuq_rnn_s8_mac16_params *params, const int8_t *input, const int8_t *hidden,
                       int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
