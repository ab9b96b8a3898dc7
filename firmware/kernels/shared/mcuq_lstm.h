/* What a long short-term memory does with the sums of its gates. Meaning: mcuq/ops/lstm.py. */
#ifndef MCUQ_LSTM_H
#define MCUQ_LSTM_H

#include "mcuq_fixedpoint.h"
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

/* mcuq_shift_right of a number that has room for the rounding; exponent in 1..31. */
static inline int32_t mcuq_lstm_shift_right(int32_t x, int32_t exponent) {
    return (x + ((int32_t)1 << (exponent - 1)) - (x < 0)) >> exponent;
}

/* mcuq_requantize(a * b, 2^30, shift) of two numbers of 16 bits, one of them below 2^15 in size: no more than 16 bits;
 * shift negative. */
static inline int32_t mcuq_lstm_product(int32_t a, int32_t b, int32_t shift) {
    return mcuq_lstm_shift_right((a * b + 1) >> 1, -shift);
}

/* mcuq_requantize of a number below 2^30 in size: twice the product has its bit for rounding on top of a word. */
static inline int32_t mcuq_lstm_requantize(int32_t x, int32_t multiplier, int32_t shift) {
    if (shift >= 0) {
        return mcuq_requantize(x, multiplier, shift);
    }
    const int64_t twice = (int64_t)(2 * x) * multiplier;
    return mcuq_lstm_shift_right((int32_t)(twice >> 32) + (int32_t)((uint32_t)twice >> 31), -shift);
}

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
        int32_t c = mcuq_lstm_product(forget, *cell, s.forget_shift) + mcuq_lstm_product(in, fresh, s.input_shift);
        c = mcuq_saturate_s16(c);
        if (s.cell_clip) {
            c = c < -s.cell_clip ? -s.cell_clip : c > s.cell_clip ? s.cell_clip : c;
        }
        *to_cell = (int16_t)c;
        const int32_t said = mcuq_tanh_s16(mcuq_tripled_s16(c, s.tanh_shift), s.logistic) * out;
        const int32_t scaled = mcuq_lstm_requantize(said, s.output_multiplier, s.output_shift);
        *hidden = mcuq_clamp_s8(scaled + s.output_zero_point, -128, 127);
    }
}

#endif
