#include "mcuq_lstm_s8_lanes.h"

#include "mcuq_lanes_gates.h"

#include "mcuq_lstm.h"

void mcuq_lstm_s8_lanes(const mcuq_lstm_s8_lanes_params *params, const int8_t *input, const int8_t *hidden,
                        const int16_t *cell, int8_t *output, int16_t *cell_out, void *scratch) {
    const mcuq_lstm_s8_lanes_params *const p = params;
    const mcuq_lstm_cell update = {p->units,        p->tanh_shift,        p->cell_clip,
                                   p->forget_shift, p->input_shift,       p->output_multiplier,
                                   p->output_shift, p->output_zero_point, p->logistic};
    const int32_t n = 4 * p->units;
    const mcuq_vector_matrix weights = {p->input_c, n, p->chunk, p->weights, p->extra, p->bias};
    const mcuq_vector_matrix recurrent = {p->units,         n, p->recurrent_chunk, p->recurrent, p->recurrent_extra,
                                          p->recurrent_bias};
    uint32_t *const surplus = scratch;
    uint32_t *const own_surplus = surplus + mcuq_vector_words(&weights);
    int16_t *const gate = (int16_t *)(own_surplus + mcuq_vector_words(&recurrent));
    const mcuq_gate_product fed = {weights, p->multiplier, p->shift, surplus};
    const mcuq_gate_product recurring = {recurrent, p->recurrent_multiplier, p->recurrent_shift, own_surplus};
    for (int32_t step = 0; step < p->steps; step++) {
        mcuq_gate_joined(&fed, &recurring, input + step * p->input_c, hidden, p->general, gate);
        mcuq_lstm_update(&update, gate, cell, cell_out, output);
        cell = cell_out;
        hidden = output;
        output += p->units;
    }
}
