/* Long short-term memory, int8 with a cell of int16, two channels per register. Meaning: mcuq/kernels/lanes/lstm.py. */
#ifndef MCUQ_LSTM_S8_LANES_H
#define MCUQ_LSTM_S8_LANES_H

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
    int32_t general; /* 1: some channel needs more than mcuq_requantize_fast */
    int32_t chunk;   /* inputs whose products are summed in 16 bits: 8, 4, 3 or 1 */
    int32_t recurrent_chunk;
    const int32_t *weights; /* of 4 * units channels, input_c each: mcuq_vectors_bytes.h */
    const int32_t *extra;
    const int32_t *recurrent; /* of 4 * units channels, units each */
    const int32_t *recurrent_extra;
    const int32_t *bias;                 /* (4, units), the input's zero point included */
    const int32_t *recurrent_bias;       /* (4, units), that of the hidden state's zero point */
    const int32_t *multiplier;           /* (4, units) */
    const int8_t *shift;                 /* (4, units) */
    const int32_t *recurrent_multiplier; /* (4, units) */
    const int8_t *recurrent_shift;       /* (4, units) */
    const uint16_t *logistic;            /* (256) */
} mcuq_lstm_s8_lanes_params;

/* input (steps, input_c), hidden (units), cell (units), output (steps, units), cell_out (units), which may be cell;
 * scratch: a word per chunk of more than one input of both vectors, and 8 * units bytes. */
void mcuq_lstm_s8_lanes(const mcuq_lstm_s8_lanes_params *params, const int8_t *input, const int8_t *hidden,
                        const int16_t *cell, int8_t *output, int16_t *cell_out, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
