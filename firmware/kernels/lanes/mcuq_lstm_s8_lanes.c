#include "mcuq_lstm_s8_lanes.h"

#include "mcuq_vectors_bytes.h"

#include "mcuq_lstm.h"

/* One of the two products of all gates. */
typedef struct {
    mcuq_vector_matrix matrix;
    const int32_t *multiplier; /* (4, units) */
    const int8_t *shift;       /* (4, units) */
    uint32_t *surplus;
} product;

MCUQ_INLINE int32_t gate_of(int32_t acc, int32_t multiplier, int32_t exponent, int32_t general) {
    return mcuq_saturate_s16(general ? mcuq_requantize(acc, multiplier, -exponent)
                                     : mcuq_requantize_fast(acc, multiplier, exponent, mcuq_fast_offset(0, exponent)));
}

/* Both products of some channels, requantized and added. */
MCUQ_INLINE void join(const product *fed, const product *recurring, const int32_t (*acc)[MCUQ_VECTOR_BLOCK],
                      int32_t channel, int32_t count, int32_t general, int16_t *gate) {
    const int32_t *a = acc[0], *const end = a + count;
    const int32_t *multiplier = fed->multiplier + channel, *own_multiplier = recurring->multiplier + channel;
    const int8_t *shift = fed->shift + channel, *own_shift = recurring->shift + channel;
    for (gate += channel; a != end; a++) {
        const int32_t from_input = gate_of(*a, *multiplier++, -*shift++, general);
        const int32_t from_own = gate_of(a[MCUQ_VECTOR_BLOCK], *own_multiplier++, -*own_shift++, general);
        *gate++ = (int16_t)mcuq_saturate_s16(from_input + from_own);
    }
}

/* All gates in Q3.12. */
static void gates(const product *fed, const product *recurring, const int8_t *input, const int8_t *hidden,
                  int32_t general, int16_t *gate) {
    mcuq_vector x = mcuq_vector_ready(&fed->matrix, input, fed->surplus);
    mcuq_vector h = mcuq_vector_ready(&recurring->matrix, hidden, recurring->surplus);
    int32_t acc[2][MCUQ_VECTOR_BLOCK];
    int32_t count;
    for (int32_t channel = 0; channel < fed->matrix.output_c; channel += count) {
        count = mcuq_vector_accumulate(&fed->matrix, &x, channel, acc[0]);
        mcuq_vector_accumulate(&recurring->matrix, &h, channel, acc[1]);
        if (general) {
            join(fed, recurring, acc, channel, count, 1, gate);
        } else {
            join(fed, recurring, acc, channel, count, 0, gate);
        }
    }
}

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
    const product fed = {weights, p->multiplier, p->shift, surplus};
    const product recurring = {recurrent, p->recurrent_multiplier, p->recurrent_shift, own_surplus};
    for (int32_t step = 0; step < p->steps; step++) {
        gates(&fed, &recurring, input + step * p->input_c, hidden, p->general, gate);
        mcuq_lstm_update(&update, gate, cell, cell_out, output);
        cell = cell_out;
        hidden = output;
        output += p->units;
    }
}
