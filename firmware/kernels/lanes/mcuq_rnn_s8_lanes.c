#include "mcuq_rnn_s8_lanes.h"

#include "mcuq_lanes_gates.h"

void mcuq_rnn_s8_lanes(const mcuq_rnn_s8_lanes_params *params, const int8_t *input, const int8_t *hidden,
                       int8_t *output, void *scratch) {
    const mcuq_rnn_s8_lanes_params *const p = params;
    const int32_t n = p->units;
    const mcuq_vector_matrix weights = {p->input_c, n, p->chunk, p->weights, p->extra, p->bias};
    const mcuq_vector_matrix recurrent = {
        n, n, p->recurrent_chunk, p->recurrent, p->recurrent_extra, p->recurrent_bias};
    uint32_t *const surplus = scratch;
    uint32_t *const own_surplus = surplus + mcuq_vector_words(&weights);
    int16_t *const sums = (int16_t *)(own_surplus + mcuq_vector_words(&recurrent));
    const mcuq_gate_product fed = {weights, p->multiplier, p->shift, surplus};
    const mcuq_gate_product recurring = {recurrent, p->recurrent_multiplier, p->recurrent_shift, own_surplus};
    for (int32_t step = 0; step < p->steps; step++) {
        mcuq_gate_joined(&fed, &recurring, input + step * p->input_c, hidden, p->general, sums);
        for (int32_t u = 0; u < n; u++) {
            const int32_t said = mcuq_tanh_s16(3 * sums[u], p->logistic);
            const int32_t scaled = mcuq_requantize_half(said, p->output_multiplier, p->output_shift);
            output[u] = mcuq_clamp_s8(scaled + p->output_zero_point, -128, 127);
        }
        hidden = output;
        output += n;
    }
}
