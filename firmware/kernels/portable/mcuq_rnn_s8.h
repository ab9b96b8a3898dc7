/* Simple recurrent layer, int8. Meaning: mcuq/ops/rnn.py. */
#ifndef MCUQ_RNN_S8_H
#define MCUQ_RNN_S8_H

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
    const int8_t *weights;               /* (units, input_c) */
    const int8_t *recurrent;             /* (units, units) */
    const int32_t *bias;                 /* (units), the input's zero point included */
    const int32_t *recurrent_bias;       /* (units), that of the hidden state's zero point */
    const int32_t *multiplier;           /* (units) */
    const int8_t *shift;                 /* (units) */
    const int32_t *recurrent_multiplier; /* (units) */
    const int8_t *recurrent_shift;       /* (units) */
    const uint16_t *logistic;            /* (256) */
} mcuq_rnn_s8_params;

/* input (steps, input_c), hidden (units), output (steps, units); scratch: none. */
void mcuq_rnn_s8(const mcuq_rnn_s8_params *params, const int8_t *input, const int8_t *hidden, int8_t *output,
                 void *scratch);

#ifdef __cplusplus
}
#endif

#endif
