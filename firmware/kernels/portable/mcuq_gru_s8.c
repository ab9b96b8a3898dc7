#include "mcuq_gru_s8.h"

#include "mcuq_gru.h"

static int32_t sum(int32_t bias, const int8_t *w, const int8_t *x, int32_t count) {
    int32_t acc = bias;
    for (int32_t k = 0; k < count; k++) {
        acc += w[k] * x[k];
    }
    return acc;
}

/* Channel c of the product with the input, in Q3.12. */
static int32_t fed(const mcuq_gru_s8_params *p, const int8_t *x, int32_t c) {
    const int32_t acc = sum(p->bias[c], p->weights + c * p->input_c, x, p->input_c);
    return mcuq_saturate_s16(mcuq_requantize(acc, p->multiplier[c], p->shift[c]));
}

/* Channel c of the product with the state, in Q3.12. */
static int32_t recurring(const mcuq_gru_s8_params *p, const int8_t *hidden, int32_t c) {
    const int32_t acc = sum(p->recurrent_bias[c], p->recurrent + c * p->units, hidden, p->units);
    return mcuq_saturate_s16(mcuq_requantize(acc, p->recurrent_multiplier[c], p->recurrent_shift[c]));
}

/* Update and reset gates, and both products of the new gate, the one with the state after the reset. */
static void gates(const mcuq_gru_s8_params *p, const mcuq_gru_cell *cell, const int8_t *x, const int8_t *hidden,
                  const int16_t *state, int16_t *gate, int8_t *left) {
    const int32_t n = p->units;
    for (int32_t c = 0; c < 2 * n; c++) {
        gate[c] = (int16_t)mcuq_logistic_s16(mcuq_saturate_s16(fed(p, x, c) + recurring(p, hidden, c)), p->logistic);
    }
    for (int32_t u = 0; u < n; u++) {
        gate[2 * n + u] = (int16_t)fed(p, x, 2 * n + u);
    }
    for (int32_t u = 0; p->reset_after && u < n; u++) {
        gate[3 * n + u] = mcuq_gru_reset(cell, gate[n + u], recurring(p, hidden, 2 * n + u));
    }
    if (!p->reset_after) {
        for (int32_t u = 0; u < n; u++) {
            left[u] = mcuq_gru_left(cell, gate[n + u], state[u]);
        }
        for (int32_t u = 0; u < n; u++) {
            gate[3 * n + u] = (int16_t)recurring(p, left, 2 * n + u);
        }
    }
}

void mcuq_gru_s8(const mcuq_gru_s8_params *params, const int8_t *input, const int16_t *state, int8_t *output,
                 int16_t *state_out, void *scratch) {
    const mcuq_gru_s8_params *const p = params;
    const mcuq_gru_cell cell = {p->units,        p->kept_shift,       p->fresh_shift, p->output_multiplier,
                                p->output_shift, p->reset_multiplier, p->reset_shift, p->output_zero_point,
                                p->logistic};
    int16_t *const gate = scratch;
    int8_t *const left = (int8_t *)(gate + 4 * p->units);
    for (int32_t u = 0; u < p->units; u++) {
        state_out[u] = state[u];
        output[u] = mcuq_gru_said(&cell, state[u]);
    }
    const int8_t *hidden = output;
    for (int32_t step = 0; step < p->steps; step++) {
        gates(p, &cell, input + step * p->input_c, hidden, state_out, gate, left);
        mcuq_gru_update(&cell, gate, state_out, output);
        hidden = output;
        output += p->units;
    }
}
