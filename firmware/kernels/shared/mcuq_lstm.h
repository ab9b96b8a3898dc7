/* What a long short-term memory does with the sums of its gates. Meaning: mcuq/ops/lstm.py. */
#ifndef MCUQ_LSTM_H
#define MCUQ_LSTM_H

#include "mcuq_int16.h"

typedef struct {
    int32_t units;
    int32_t tanh_shift;   /* left, of the cell to Q3.12 */
    int32_t cell_clip;    /* of its integers; 0: none */
    int32_t forget_shift; /* of 2^-16 times forget gate and cell: negative */
    int32_t input_shift;  /* of 2^-16 times input and cell gate: negative */
    int32_t output_multiplier;
    int32_t output_shift;
    int32_t output_zero_point;
    const uint16_t *logistic; /* (256) */
} mcuq_lstm_cell;

/* gate (4, units) in Q3.12: input, forget, cell, output gate; to_cell, which may be cell, and hidden (units) are
 * written.
 */
static inline void mcuq_lstm_update(const mcuq_lstm_cell *p, const int16_t *gate, const int16_t *cell, int16_t *to_cell,
                                    int8_t *hidden) {
    const mcuq_lstm_cell s = *p; /* a copy: stores of bytes might change what a pointer points to */
    const int16_t *const end = gate + s.units;
    for (; gate != end; gate++, cell++, to_cell++, hidden++) {
        const int32_t in = mcuq_logistic_s16(gate[0], s.logistic);
        const int32_t forget = mcuq_logistic_s16(gate[s.units], s.logistic);
        const int32_t fresh = mcuq_tanh_s16(3 * gate[2 * s.units], s.logistic);
        const int32_t out = mcuq_logistic_s16(gate[3 * s.units], s.logistic);
        int32_t c = mcuq_product_s16(forget, *cell, s.forget_shift) + mcuq_product_s16(in, fresh, s.input_shift);
        c = mcuq_saturate_s16(c);
        if (s.cell_clip) {
            c = c < -s.cell_clip ? -s.cell_clip : c > s.cell_clip ? s.cell_clip : c;
        }
        *to_cell = (int16_t)c;
        const int32_t said = mcuq_tanh_s16(mcuq_tripled_s16(c, s.tanh_shift), s.logistic) * out;
        const int32_t scaled = mcuq_requantize_half(said, s.output_multiplier, s.output_shift);
        *hidden = mcuq_clamp_s8(scaled + s.output_zero_point, -128, 127);
    }
}

#endif
