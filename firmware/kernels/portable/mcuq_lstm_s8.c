#include "mcuq_lstm_s8.h"

#include "mcuq_lstm.h"

static int32_t sum(int32_t bias, const int8_t *w, const int8_t *x, int32_t count) {
    int32_t acc = bias;
    for (int32_t k = 0; k < count; k++) {
        acc += w[k] * x[k];
    }
    return acc;
}

/* What goes into the functions of all gates, in Q3.12. */
static void gates(const mcuq_lstm_s8_params *p, const int8_t *x, const int8_t *hidden, int16_t *to) {
    for (int32_t c = 0; c < 4 * p->units; c++) {
        const int32_t fed = sum(p->bias[c], p->weights + c * p->input_c, x, p->input_c);
        const int32_t recurring = sum(p->recurrent_bias[c], p->recurrent + c * p->units, hidden, p->units);
        const int32_t a = mcuq_saturate_s16(mcuq_requantize(fed, p->multiplier[c], p->shift[c]));
        const int32_t b =
            mcuq_saturate_s16(mcuq_requantize(recurring, p->recurrent_multiplier[c], p->recurrent_shift[c]));
        to[c] = (int16_t)mcuq_saturate_s16(a + b);
    }
}

void mcuq_lstm_s8(const mcuq_lstm_s8_params *params, const int8_t *input, const int8_t *hidden, const int16_t *cell,
                  int8_t *output, int16_t *cell_out, void *scratch) {
    const mcuq_lstm_s8_params *const p = params;
    const mcuq_lstm_cell update = {p->units,        p->tanh_shift,        p->cell_clip,
                                   p->forget_shift, p->input_shift,       p->output_multiplier,
                                   p->output_shift, p->output_zero_point, p->logistic};
    for (int32_t step = 0; step < p->steps; step++) {
        gates(p, input + step * p->input_c, hidden, scratch);
        mcuq_lstm_update(&update, scratch, cell, cell_out, output);
        cell = cell_out;
        hidden = output;
        output += p->units;
    }
}
