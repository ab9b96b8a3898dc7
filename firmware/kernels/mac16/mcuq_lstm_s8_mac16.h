/* Long short-term memory, int8 with a cell of int16, for the MAC16. Meaning: mcuq/kernels/mac16/lstm.py. */
#ifndef MCUQ_LSTM_S8_MAC16_H
#define MCUQ_LSTM_S8_MAC16_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t steps;
    int32_t input_c;
    int32_t units;
    int32_t tanh_shift;   /* left, of the cell to Q3.12 */
    int32_t cell_clip;    /* of its integers; 0: none */
    int32_t forget_shift; /* of 2^-16 times forget gate and cell */
    int32_t input_shift;  /* of 2^-16 times input and cell gate */
    int32_t output_multiplier;
    int32_t output_shift;
    int32_t output_zero_point;
    int32_t taps;           /* input_c, filled up to a multiple of 4 */
    int32_t recurrent_taps; /* units, likewise */
    int32_t sharing;        /* channels that have one scale, one after the other */
    int32_t recurrent_sharing;
    const uint8_t *weights;         /* (4 * units, taps), even ones 128 more than they are */
    const uint8_t *recurrent;       /* (4 * units, recurrent_taps), likewise */
    const int32_t *bias;            /* (4 * units), of the negated sums, 256 times, with what the offsets of x add */
    const int32_t *recurrent_bias;  /* (4 * units), likewise */
    const int32_t *scale;           /* (4 * units / sharing, 2): multiplier, what rounds plus right shift + 7 */
    const int32_t *recurrent_scale; /* (4 * units / recurrent_sharing, 2), likewise */
    const uint16_t *logistic;       /* (256) */
} mcuq_lstm_s8_mac16_params;

/* input (steps, input_c), hidden (units), cell (units), output (steps, units), cell_out (units), which may be cell;
 * scratch: int16, the taps of the longer vector and (4, units), aligned to 4. */
void mcuq_lstm_s8_mac16(const mcuq_lstm_s8_mac16_params *params, const int8_t *input, const int8_t *hidden,
                        const int16_t *cell, int8_t *output, int16_t *cell_out, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
