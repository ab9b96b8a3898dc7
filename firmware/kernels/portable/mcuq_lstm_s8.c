#include "mcuq_lstm_s8.h"

#include "mcuq_fixedpoint.h"
#include "mcuq_int16.h"

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

/* Two numbers of 16 bits, multiplied and shifted back to 16 bits. */
static int32_t product(int32_t a, int32_t b, int32_t shift) {
    return mcuq_saturate_s16(mcuq_requantize(a * b, 1 << 30, shift));
}

static void update(const mcuq_lstm_s8_params *p, const int16_t *gate, int16_t *cell, int8_t *hidden) {
    const int32_t n = p->units;
    for (int32_t u = 0; u < n; u++) {
        const int32_t in = mcuq_logistic_s16(gate[u], p->logistic);
        const int32_t forget = mcuq_logistic_s16(gate[n + u], p->logistic);
        const int32_t fresh = mcuq_tanh_s16(3 * gate[2 * n + u], p->logistic);
        const int32_t out = mcuq_logistic_s16(gate[3 * n + u], p->logistic);
        int32_t c = product(forget, cell[u], p->forget_shift) + product(in, fresh, p->input_shift);
        c = mcuq_saturate_s16(c);
        if (p->cell_clip) {
            c = c < -p->cell_clip ? -p->cell_clip : c > p->cell_clip ? p->cell_clip : c;
        }
        cell[u] = (int16_t)c;
        const int32_t said = mcuq_tanh_s16(mcuq_tripled_s16(c, p->tanh_shift), p->logistic) * out;
        const int32_t scaled = mcuq_requantize(said, p->output_multiplier, p->output_shift);
        hidden[u] = mcuq_clamp_s8(scaled + p->output_zero_point, -128, 127);
    }
}

void mcuq_lstm_s8(const mcuq_lstm_s8_params *params, const int8_t *input, const int8_t *hidden, const int16_t *cell,
                  int8_t *output, int16_t *cell_out, void *scratch) {
    for (int32_t u = 0; u < params->units; u++) {
        cell_out[u] = cell[u];
    }
    for (int32_t step = 0; step < params->steps; step++) {
        gates(params, input + step * params->input_c, hidden, scratch);
        update(params, scratch, cell_out, output);
        hidden = output;
        output += params->units;
    }
}
