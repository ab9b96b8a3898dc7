#include "mcuq_gru_s8_mac16.h"

#include "mcuq_gru.h"
#include "mcuq_mac16_channel.h"
#include "mcuq_mac16_gates.h"

/* The products of all gates with the input, of update and reset gate with the state, and of the new gate with it. */
typedef struct {
    mcuq_mac16_gates fed;
    mcuq_mac16_gates recurring;
    mcuq_mac16_gates fresh;
} products;

/* Update and reset gates, and both products of the new gate, the one with the state after the reset. */
static void gates(const mcuq_gru_s8_mac16_params *p, const mcuq_gru_cell *cell, products *of, const int8_t *input,
                  const int8_t *hidden, const int16_t *state, int8_t *left) {
    const int32_t n = p->units;
    int16_t *const gate = of->fed.gates, *const reset = gate + n, *const product = gate + 3 * n;
    for (int32_t c = 0; c < 4 * n; c++) {
        gate[c] = 0;
    }
    of->fed.addition = mcuq_mac16_in_fours(input, p->input_c, of->fed.x);
    mcuq_mac16_gates_run(&of->fed);
    of->recurring.addition = mcuq_mac16_in_fours(hidden, n, of->fed.x);
    mcuq_mac16_gates_run(&of->recurring);
    for (int32_t c = 0; c < 2 * n; c++) {
        gate[c] = (int16_t)mcuq_logistic_s16(gate[c], p->logistic);
    }
    if (p->reset_after) {
        of->fresh.addition = of->recurring.addition;
        mcuq_mac16_gates_run(&of->fresh);
        for (int32_t u = 0; u < n; u++) {
            product[u] = mcuq_gru_reset(cell, reset[u], product[u]);
        }
        return;
    }
    for (int32_t u = 0; u < n; u++) {
        left[u] = mcuq_gru_left(cell, reset[u], state[u]);
    }
    of->fresh.addition = mcuq_mac16_in_fours(left, n, of->fed.x);
    mcuq_mac16_gates_run(&of->fresh);
}

void mcuq_gru_s8_mac16(const mcuq_gru_s8_mac16_params *params, const int8_t *input, const int16_t *state,
                       int8_t *output, int16_t *state_out, void *scratch) {
    const mcuq_gru_s8_mac16_params *const p = params;
    const int32_t n = p->units, taps = p->recurrent_taps, sharing = p->recurrent_sharing;
    const mcuq_gru_cell cell = {p->units,        p->kept_shift,       p->fresh_shift, p->output_multiplier,
                                p->output_shift, p->reset_multiplier, p->reset_shift, p->output_zero_point,
                                p->logistic};
    int16_t *const x = scratch;
    int16_t *const gate = x + (p->taps > taps ? p->taps : taps);
    int8_t *const left = (int8_t *)(gate + 4 * n);
    products of = {
        {p->weights, p->bias, p->scale, p->sharing, 3 * n, p->taps, x, 0, gate},
        {p->recurrent, p->recurrent_bias, p->recurrent_scale, sharing, 2 * n, taps, x, 0, gate},
        {p->recurrent + 2 * n * taps, p->recurrent_bias + 2 * n, p->recurrent_scale + 2 * n / sharing * 2, sharing, n,
         taps, x, 0, gate + 3 * n},
    };
    for (int32_t u = 0; u < n; u++) {
        state_out[u] = state[u];
        output[u] = mcuq_gru_said(&cell, state[u]);
    }
    const int8_t *hidden = output;
    for (int32_t step = 0; step < p->steps; step++) {
        gates(p, &cell, &of, input + step * p->input_c, hidden, state_out, left);
        mcuq_gru_update(&cell, gate, state_out, output);
        hidden = output;
        output += n;
    }
}
