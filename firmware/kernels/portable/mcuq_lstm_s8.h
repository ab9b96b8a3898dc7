/* Long short-term memory, int8 with a cell of int16. Meaning: mcuq/ops/lstm.py. */
#ifndef MCUQ_LSTM_S8_H
#define MCUQ_LSTM_S8_H

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
    const int8_t *weights;               /* (4, units, input_c): input, forget, cell, output gate */
    const int8_t *recurrent;             /* (4, units, units) */
    const int32_t *bias;                 /* (4, units), the input's zero point included */
    const int32_t *recurrent_bias;       /* (4, units), that of the hidden state's zero point */
    const int32_t *multiplier;           /* (4, units) */
    const int8_t *shift;                 /* (4, units) */
    const int32_t *recurrent_multiplier; /* (4, units) */
    const int8_t *recurrent_shift;       /* (4, units) */
    const uint16_t *logistic;            /* (256) */
} mcuq_lstm_s8_params;

/* input (steps, input_c), hidden (units), cell (units), output (steps, units), cell_out (units), which may be cell;
 * scratch: 8 * units bytes, aligned to 2. */
void mcuq_lstm_s8(const mcuq_lstm_s8_params *params, const int8_t *input, const int8_t *hidden, const int16_t *cell,
                  int8_t *output, int16_t *cell_out, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
