/* Products of gates with vectors, two channels in one register, requantized to Q3.12: what recurrent layers share. */
#ifndef MCUQ_LANES_GATES_H
#define MCUQ_LANES_GATES_H

#include "mcuq_vectors_bytes.h"

#include "mcuq_int16.h"

/* One of the products of some gates. */
typedef struct {
    mcuq_vector_matrix matrix;
    const int32_t *multiplier; /* (output_c) */
    const int8_t *shift;       /* (output_c) */
    uint32_t *surplus;
} mcuq_gate_product;

MCUQ_INLINE int32_t mcuq_gate_of(int32_t acc, int32_t multiplier, int32_t exponent, int32_t general) {
    return mcuq_saturate_s16(general ? mcuq_requantize(acc, multiplier, -exponent)
                                     : mcuq_requantize_fast(acc, multiplier, exponent, mcuq_fast_offset(0, exponent)));
}

/* Some channels of one product. */
MCUQ_INLINE void mcuq_gate_some(const mcuq_gate_product *p, const int32_t *acc, int32_t channel, int32_t count,
                                int32_t general, int16_t *to) {
    for (int32_t i = 0; i < count; i++) {
        const int32_t c = channel + i;
        to[c] = (int16_t)mcuq_gate_of(acc[i], p->multiplier[c], -p->shift[c], general);
    }
}

/* Both products of some channels, added. */
MCUQ_INLINE void mcuq_gate_join(const mcuq_gate_product *fed, const mcuq_gate_product *recurring,
                                int32_t (*acc)[MCUQ_VECTOR_BLOCK], int32_t channel, int32_t count, int32_t general,
                                int16_t *gate) {
    const int32_t *a = acc[0], *const end = a + count;
    const int32_t *multiplier = fed->multiplier + channel, *own_multiplier = recurring->multiplier + channel;
    const int8_t *shift = fed->shift + channel, *own_shift = recurring->shift + channel;
    for (gate += channel; a != end; a++) {
        const int32_t from_input = mcuq_gate_of(*a, *multiplier++, -*shift++, general);
        const int32_t from_own = mcuq_gate_of(a[MCUQ_VECTOR_BLOCK], *own_multiplier++, -*own_shift++, general);
        *gate++ = (int16_t)mcuq_saturate_s16(from_input + from_own);
    }
}

/* All channels of one product in Q3.12; `general`: mcuq_requantize_fast does not serve some. */
static inline void mcuq_gate_sums(const mcuq_gate_product *p, const int8_t *x, int32_t general, int16_t *to) {
    mcuq_vector v = mcuq_vector_ready(&p->matrix, x, p->surplus);
    int32_t acc[MCUQ_VECTOR_BLOCK];
    int32_t count;
    for (int32_t channel = 0; channel < p->matrix.output_c; channel += count) {
        count = mcuq_vector_accumulate(&p->matrix, &v, channel, acc);
        if (general) {
            mcuq_gate_some(p, acc, channel, count, 1, to);
        } else {
            mcuq_gate_some(p, acc, channel, count, 0, to);
        }
    }
}

/* All channels of both products, added, in Q3.12. */
static inline void mcuq_gate_joined(const mcuq_gate_product *fed, const mcuq_gate_product *recurring,
                                    const int8_t *input, const int8_t *hidden, int32_t general, int16_t *gate) {
    mcuq_vector x = mcuq_vector_ready(&fed->matrix, input, fed->surplus);
    mcuq_vector h = mcuq_vector_ready(&recurring->matrix, hidden, recurring->surplus);
    int32_t acc[2][MCUQ_VECTOR_BLOCK];
    int32_t count;
    for (int32_t channel = 0; channel < fed->matrix.output_c; channel += count) {
        count = mcuq_vector_accumulate(&fed->matrix, &x, channel, acc[0]);
        mcuq_vector_accumulate(&recurring->matrix, &h, channel, acc[1]);
        if (general) {
            mcuq_gate_join(fed, recurring, acc, channel, count, 1, gate);
        } else {
            mcuq_gate_join(fed, recurring, acc, channel, count, 0, gate);
        }
    }
}

#endif
