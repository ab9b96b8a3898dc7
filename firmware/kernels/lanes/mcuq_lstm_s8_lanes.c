#include "mcuq_lstm_s8_lanes.h"

#include "mcuq_vectors_bytes.h"

#include "mcuq_lstm.h"

/* One of the two products of all gates. */
typedef struct {
    mcuq_vector_matrix matrix;
    const int32_t *multiplier; /* (4, units) */
    const int8_t *shift;       /* (4, units) */
} product;

MCUQ_INLINE int16_t added(int32_t gate, int32_t own) {
    return (int16_t)mcuq_saturate_s16(gate + mcuq_saturate_s16(own));
}

/* Add sums of some channels to their gates, requantized. */
MCUQ_INLINE void add_sums(const int32_t *acc, const int32_t *multiplier, const int8_t *shift, int32_t count,
                          int32_t general, int16_t *gate) {
    if (general) {
        for (int32_t i = 0; i < count; i++) {
            gate[i] = added(gate[i], mcuq_requantize(acc[i], multiplier[i], shift[i]));
        }
        return;
    }
    for (int32_t i = 0; i < count; i++) {
        const int32_t exponent = -shift[i];
        gate[i] = added(gate[i], mcuq_requantize_fast(acc[i], multiplier[i], exponent, mcuq_fast_offset(0, exponent)));
    }
}

/* Add a product to the gates in Q3.12. */
MCUQ_APART void add_product(const product *p, const int8_t *x, int32_t general, uint32_t *surplus, int16_t *gate) {
    const mcuq_vector_matrix m = p->matrix;
    const int32_t *multiplier = p->multiplier, *extra = m.extra;
    const int8_t *shift = p->shift;
    int32_t acc[MCUQ_VECTOR_BLOCK];
    int32_t channel = 0;
    mcuq_vector_surplus(&m, x, surplus);
    for (; channel + MCUQ_VECTOR_BLOCK <= m.output_c; channel += MCUQ_VECTOR_BLOCK) {
        mcuq_vector_eight(&m, channel, x, surplus, &extra, 1, acc);
        add_sums(acc, multiplier + channel, shift + channel, MCUQ_VECTOR_BLOCK, general, gate + channel);
    }
    for (; channel < m.output_c; channel++) {
        acc[0] = mcuq_vector_one(&m, channel, x);
        add_sums(acc, multiplier + channel, shift + channel, 1, general, gate + channel);
    }
}

static int32_t chunks_of(int32_t count, int32_t chunk) {
    return (count + chunk - 1) / chunk;
}

void mcuq_lstm_s8_lanes(const mcuq_lstm_s8_lanes_params *params, const int8_t *input, const int8_t *hidden,
                        const int16_t *cell, int8_t *output, int16_t *cell_out, void *scratch) {
    const mcuq_lstm_s8_lanes_params *const p = params;
    const mcuq_lstm_cell update = {p->units,        p->tanh_shift,        p->cell_clip,
                                   p->forget_shift, p->input_shift,       p->output_multiplier,
                                   p->output_shift, p->output_zero_point, p->logistic};
    const int32_t n = 4 * p->units;
    const product fed = {{p->input_c, n, p->chunk, p->weights, p->extra, p->bias}, p->multiplier, p->shift};
    const product recurring = {{p->units, n, p->recurrent_chunk, p->recurrent, p->recurrent_extra, p->recurrent_bias},
                               p->recurrent_multiplier,
                               p->recurrent_shift};
    const int32_t a = chunks_of(p->input_c, p->chunk), b = chunks_of(p->units, p->recurrent_chunk);
    uint32_t *const surplus = scratch;
    int16_t *const gate = (int16_t *)(surplus + (a > b ? a : b));
    for (int32_t u = 0; u < p->units; u++) {
        cell_out[u] = cell[u];
    }
    for (int32_t step = 0; step < p->steps; step++) {
        for (int32_t c = 0; c < n; c++) {
            gate[c] = 0;
        }
        add_product(&fed, input + step * p->input_c, p->general, surplus, gate);
        add_product(&recurring, hidden, p->general, surplus, gate);
        mcuq_lstm_update(&update, gate, cell_out, output);
        hidden = output;
        output += p->units;
    }
}
