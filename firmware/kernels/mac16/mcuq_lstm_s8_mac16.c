#include "mcuq_lstm_s8_mac16.h"

#include "mcuq_lstm.h"
#include "mcuq_mac16_channel.h"
#include "mcuq_mac16_gates.h"

void mcuq_lstm_s8_mac16(const mcuq_lstm_s8_mac16_params *params, const int8_t *input, const int8_t *hidden,
                        const int16_t *cell, int8_t *output, int16_t *cell_out, void *scratch) {
    const mcuq_lstm_s8_mac16_params *const p = params;
    const mcuq_lstm_cell update = {p->units,        p->tanh_shift,        p->cell_clip,
                                   p->forget_shift, p->input_shift,       p->output_multiplier,
                                   p->output_shift, p->output_zero_point, p->logistic};
    const int32_t n = 4 * p->units;
    int16_t *const x = scratch;
    int16_t *const gates = x + (p->taps > p->recurrent_taps ? p->taps : p->recurrent_taps);
    mcuq_mac16_gates fed = {p->weights, p->bias, p->scale, p->sharing, n, p->taps, x, 0, gates};
    mcuq_mac16_gates recurring = {
        p->recurrent, p->recurrent_bias, p->recurrent_scale, p->recurrent_sharing, n, p->recurrent_taps, x, 0, gates};
    for (int32_t step = 0; step < p->steps; step++) {
        for (int32_t c = 0; c < n; c++) {
            gates[c] = 0;
        }
        fed.addition = mcuq_mac16_in_fours(input + step * p->input_c, p->input_c, x);
        mcuq_mac16_gates_run(&fed);
        recurring.addition = mcuq_mac16_in_fours(hidden, p->units, x);
        mcuq_mac16_gates_run(&recurring);
        mcuq_lstm_update(&update, gates, cell, cell_out, output);
        cell = cell_out;
        hidden = output;
        output += p->units;
    }
}
