#include "mcuq_gru_s8.h"

#include "mcuq_fixedpoint.h"
#include "mcuq_int16.h"

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

static int8_t in_bytes(const mcuq_gru_s8_params *p, int32_t x, int32_t multiplier, int32_t shift) {
    return mcuq_clamp_s8(mcuq_requantize(x, multiplier, shift) + p->output_zero_point, -128, 127);
}

/* Update and reset gates, and both products of the new gate, the one with the state after the reset. */
static void gates(const mcuq_gru_s8_params *p, const int8_t *x, const int8_t *hidden, const int16_t *state,
                  int16_t *gate, int8_t *left) {
    const int32_t n = p->units;
    for (int32_t c = 0; c < 2 * n; c++) {
        gate[c] = (int16_t)mcuq_logistic_s16(mcuq_saturate_s16(fed(p, x, c) + recurring(p, hidden, c)), p->logistic);
    }
    for (int32_t u = 0; u < n; u++) {
        gate[2 * n + u] = (int16_t)fed(p, x, 2 * n + u);
    }
    for (int32_t u = 0; p->reset_after && u < n; u++) {
        const int32_t product = gate[n + u] * recurring(p, hidden, 2 * n + u);
        gate[3 * n + u] = (int16_t)mcuq_saturate_s16(mcuq_requantize(product, 1 << 30, p->kept_shift));
    }
    if (!p->reset_after) {
        for (int32_t u = 0; u < n; u++) {
            left[u] = in_bytes(p, gate[n + u] * state[u], p->reset_multiplier, p->reset_shift);
        }
        for (int32_t u = 0; u < n; u++) {
            gate[3 * n + u] = (int16_t)recurring(p, left, 2 * n + u);
        }
    }
}

static void update(const mcuq_gru_s8_params *p, const int16_t *gate, int16_t *state, int8_t *hidden) {
    const int32_t n = p->units;
    for (int32_t u = 0; u < n; u++) {
        const int32_t fresh = mcuq_tanh_s16(3 * mcuq_saturate_s16(gate[2 * n + u] + gate[3 * n + u]), p->logistic) *
                              ((1 << 15) - gate[u]);
        const int32_t kept = mcuq_requantize(gate[u] * state[u], 1 << 30, p->kept_shift);
        state[u] = (int16_t)mcuq_saturate_s16(kept + mcuq_requantize(fresh, 1 << 30, p->fresh_shift));
        hidden[u] = in_bytes(p, state[u], p->output_multiplier, p->output_shift);
    }
}

void mcuq_gru_s8(const mcuq_gru_s8_params *params, const int8_t *input, const int16_t *state, int8_t *output,
                 int16_t *state_out, void *scratch) {
    int16_t *const gate = scratch;
    int8_t *const left = (int8_t *)(gate + 4 * params->units);
    for (int32_t u = 0; u < params->units; u++) {
        state_out[u] = state[u];
        output[u] = in_bytes(params, state[u], params->output_multiplier, params->output_shift);
    }
    const int8_t *hidden = output;
    for (int32_t step = 0; step < params->steps; step++) {
        gates(params, input + step * params->input_c, hidden, state_out, gate, left);
        update(params, gate, state_out, output);
        hidden = output;
        output += params->units;
    }
}
