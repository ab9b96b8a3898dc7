#include "mcuq_rnn_s8_mac16.h"

#include "mcuq_int16.h"
#include "mcuq_mac16_channel.h"
#include "mcuq_mac16_gates.h"

void mcuq_rnn_s8_mac16(const mcuq_rnn_s8_mac16_params *params, const int8_t *input, const int8_t *hidden,
                       int8_t *output, void *scratch) {
    const mcuq_rnn_s8_mac16_params *const p = params;
    const int32_t n = p->units;
    int16_t *const x = scratch;
    int16_t *const sums = x + (p->taps > p->recurrent_taps ? p->taps : p->recurrent_taps);
    mcuq_mac16_gates fed = {p->weights, p->bias, p->scale, p->sharing, n, p->taps, x, 0, sums};
    mcuq_mac16_gates recurring = {
        p->recurrent, p->recurrent_bias, p->recurrent_scale, p->recurrent_sharing, n, p->recurrent_taps, x, 0, sums};
    for (int32_t step = 0; step < p->steps; step++) {
        for (int32_t u = 0; u < n; u++) {
            sums[u] = 0;
        }
        fed.addition = mcuq_mac16_in_fours(input + step * p->input_c, p->input_c, x);
        mcuq_mac16_gates_run(&fed);
        recurring.addition = mcuq_mac16_in_fours(hidden, n, x);
        mcuq_mac16_gates_run(&recurring);
        for (int32_t u = 0; u < n; u++) {
            const int32_t said = mcuq_tanh_s16(3 * sums[u], p->logistic);
            const int32_t scaled = mcuq_requantize_half(said, p->output_multiplier, p->output_shift);
            output[u] = mcuq_clamp_s8(scaled + p->output_zero_point, -128, 127);
        }
        hidden = output;
        output += n;
    }
}
