/* Vectors times weights of a codebook, eight output channels at a time: fully connected layers on RV32IMC.
 *
 * The weights of two channels are looked up with one index in the tables of mcuq_codebook_table.h. A kernel says what
 * it has, before it includes this: typedef ... mcuq_layer, its parameters, and enum { MCUQ_BITS }. */
#ifndef MCUQ_VECTORS_CODEBOOK_H
#define MCUQ_VECTORS_CODEBOOK_H

#include "mcuq_codebook_table.h"

enum { MCUQ_BLOCK = 8 };

MCUQ_INLINE void mcuq_add_four(int32_t *acc, const uint8_t *w, const int8_t *table, int32_t x) {
    int32_t v[4];
    mcuq_look_up(w, table, v);
    acc[0] += x * v[0];
    acc[1] += x * v[1];
    acc[2] += x * v[2];
    acc[3] += x * v[3];
}

/* Accumulators of a block; a function by itself, so that registers hold nothing else. */
MCUQ_APART void mcuq_vector_block(const uint8_t *w, const int8_t *table, const int8_t *x, const int8_t *end,
                                  int32_t *acc) {
    int32_t a[MCUQ_BLOCK] = {acc[0], acc[1], acc[2], acc[3], acc[4], acc[5], acc[6], acc[7]};
    for (; x != end; w += MCUQ_BITS) {
        const int32_t value = *x++;
        mcuq_add_four(a, w, table, value);
        mcuq_add_four(a + 4, w + MCUQ_BITS / 2, table, value);
    }
    acc[0] = a[0], acc[1] = a[1], acc[2] = a[2], acc[3] = a[3];
    acc[4] = a[4], acc[5] = a[5], acc[6] = a[6], acc[7] = a[7];
}

static void mcuq_vector(const mcuq_layer *p, const int8_t *x, int8_t *out, const int8_t *tables) {
    const mcuq_scales scales = {p->output_zero_point, p->per_channel, p->multiplier, p->shift};
    const uint8_t *w = p->weights;
    for (int32_t channel = 0; channel < p->output_c; channel += MCUQ_BLOCK, w += p->input_c * MCUQ_BITS) {
        const int32_t count = p->output_c - channel < MCUQ_BLOCK ? p->output_c - channel : MCUQ_BLOCK;
        const int8_t *const table = tables + p->codebook[channel * p->per_group] * MCUQ_TABLE;
        int32_t acc[MCUQ_BLOCK] = {0, 0, 0, 0, 0, 0, 0, 0};
        mcuq_vector_block(w, table, x, x + p->input_c, acc);
        for (int32_t i = 0; i < count; i++) {
            const uint32_t sum = (uint32_t)p->bias[channel + i] + (uint32_t)acc[i];
            out[channel + i] = mcuq_scaled_any((int32_t)sum, &scales, channel + i, p->general);
        }
    }
}

MCUQ_INLINE void mcuq_multiply_vectors(const mcuq_layer *p, const int8_t *input, int8_t *output, int8_t *tables) {
    mcuq_fill_tables(p->levels, p->codebooks, tables);
    for (int32_t i = 0; i < p->batch; i++) {
        const int32_t b = p->reverse ? p->batch - 1 - i : i;
        int8_t *const out = output + b * p->output_c;
        mcuq_vector(p, input + b * p->input_c, out, tables);
        mcuq_limit(out, p->output_c, p->activation_min, p->activation_max);
    }
}

#endif
