#include "mcuq_rnn_s8.h"

#include "mcuq_fixedpoint.h"
#include "mcuq_int16.h"

static int32_t sum(int32_t bias, const int8_t *w, const int8_t *x, int32_t count) {
    int32_t acc = bias;
    for (int32_t k = 0; k < count; k++) {
        acc += w[k] * x[k];
    }
    return acc;
}

static int8_t unit(const mcuq_rnn_s8_params *p, const int8_t *x, const int8_t *hidden, int32_t u) {
    const int32_t fed = sum(p->bias[u], p->weights + u * p->input_c, x, p->input_c);
    const int32_t recurring = sum(p->recurrent_bias[u], p->recurrent + u * p->units, hidden, p->units);
    const int32_t a = mcuq_saturate_s16(mcuq_requantize(fed, p->multiplier[u], p->shift[u]));
    const int32_t b = mcuq_saturate_s16(mcuq_requantize(recurring, p->recurrent_multiplier[u], p->recurrent_shift[u]));
    const int32_t said = mcuq_tanh_s16(3 * mcuq_saturate_s16(a + b), p->logistic);
    return mcuq_clamp_s8(mcuq_requantize_half(said, p->output_multiplier, p->output_shift) + p->output_zero_point, -128,
                         127);
}

void mcuq_rnn_s8(const mcuq_rnn_s8_params *params, const int8_t *input, const int8_t *hidden, int8_t *output,
                 void *scratch) {
    (void)scratch;
    for (int32_t step = 0; step < params->steps; step++) {
        for (int32_t u = 0; u < params->units; u++) {
            output[u] = unit(params, input + step * params->input_c, hidden, u);
        }
        hidden = output;
        output += params->units;
    }
}
