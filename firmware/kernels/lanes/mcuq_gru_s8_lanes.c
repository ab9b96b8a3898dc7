#include "mcuq_gru_s8_lanes.h"

#include "mcuq_lanes_gates.h"

#include "mcuq_gru.h"

/* The products of all gates with the input, of update and reset gate with the state, and of the new gate with it. */
typedef struct {
    mcuq_gate_product fed;
    mcuq_gate_product recurring;
    mcuq_gate_product fresh;
} products;

/* What is kept of a step. */
typedef struct {
    int16_t *gate; /* (4, units) */
    int16_t *own;  /* (2, units), update and reset gate's products with the state */
    int8_t *left;  /* (units) */
} room;

/* Update and reset gates, and both products of the new gate, the one with the state after the reset. */
static void gates(const mcuq_gru_s8_lanes_params *p, const mcuq_gru_cell *cell, const products *of, const int8_t *x,
                  const int8_t *hidden, const int16_t *state, const room *to) {
    const int32_t n = p->units;
    int16_t *const gate = to->gate, *const reset = gate + n, *const product = gate + 3 * n;
    mcuq_gate_sums(&of->fed, x, p->general, gate);
    mcuq_gate_sums(&of->recurring, hidden, p->general, to->own);
    for (int32_t c = 0; c < 2 * n; c++) {
        gate[c] = (int16_t)mcuq_logistic_s16(mcuq_saturate_s16(gate[c] + to->own[c]), p->logistic);
    }
    if (p->reset_after) {
        mcuq_gate_sums(&of->fresh, hidden, p->general, product);
        for (int32_t u = 0; u < n; u++) {
            product[u] = mcuq_gru_reset(cell, reset[u], product[u]);
        }
        return;
    }
    for (int32_t u = 0; u < n; u++) {
        to->left[u] = mcuq_gru_left(cell, reset[u], state[u]);
    }
    mcuq_gate_sums(&of->fresh, to->left, p->general, product);
}

void mcuq_gru_s8_lanes(const mcuq_gru_s8_lanes_params *params, const int8_t *input, const int16_t *state,
                       int8_t *output, int16_t *state_out, void *scratch) {
    const mcuq_gru_s8_lanes_params *const p = params;
    const int32_t n = p->units;
    const mcuq_gru_cell cell = {p->units,        p->kept_shift,       p->fresh_shift, p->output_multiplier,
                                p->output_shift, p->reset_multiplier, p->reset_shift, p->output_zero_point,
                                p->logistic};
    const mcuq_vector_matrix fed = {p->input_c, 3 * n, p->chunk, p->weights, p->extra, p->bias};
    const mcuq_vector_matrix recurring = {
        n, 2 * n, p->recurrent_chunk, p->recurrent, p->recurrent_extra, p->recurrent_bias};
    const mcuq_vector_matrix fresh = {n, n, p->fresh_chunk, p->fresh, p->fresh_extra, p->recurrent_bias + 2 * n};
    uint32_t *const surplus = scratch;
    uint32_t *const own_surplus = surplus + mcuq_vector_words(&fed);
    uint32_t *const fresh_surplus = own_surplus + mcuq_vector_words(&recurring);
    const products of = {
        {fed, p->multiplier, p->shift, surplus},
        {recurring, p->recurrent_multiplier, p->recurrent_shift, own_surplus},
        {fresh, p->recurrent_multiplier + 2 * n, p->recurrent_shift + 2 * n, fresh_surplus},
    };
    int16_t *const gate = (int16_t *)(fresh_surplus + mcuq_vector_words(&fresh));
    const room to = {gate, gate + 4 * n, (int8_t *)(gate + 6 * n)};
    for (int32_t u = 0; u < n; u++) {
        state_out[u] = state[u];
        output[u] = mcuq_gru_said(&cell, state[u]);
    }
    const int8_t *hidden = output;
    for (int32_t step = 0; step < p->steps; step++) {
        gates(p, &cell, &of, input + step * p->input_c, hidden, state_out, &to);
        mcuq_gru_update(&cell, gate, state_out, output);
        hidden = output;
        output += n;
    }
}
