/* Vectors times weights of 4 or 2 bits, two output channels in one register: fully connected layers on RV32IMC.
 *
 * A word holds one input's weights of eight or sixteen channels as bits u = w + offset. Masked, it holds two of them,
 * u and u' << 16, and one multiplication by x serves both. What u has over w is the same for all channels, the offset
 * times the inputs' sum, computed once per chunk; a chunk's |w| sum to at most 255, so that its sums are int16s (see
 * mcuq_lanes.h).
 *
 * A kernel says what it has, before it includes this: typedef ... mcuq_layer, its parameters, and enum { MCUQ_BITS }.
 */
#ifndef MCUQ_VECTORS_BITS_H
#define MCUQ_VECTORS_BITS_H

#include "mcuq_lanes_join.h"

enum { MCUQ_HALVES = 16 / MCUQ_BITS, MCUQ_BLOCK = 2 * MCUQ_HALVES, MCUQ_OFFSET = 1 << (MCUQ_BITS - 1) };

/* Channels i and i + MCUQ_HALVES of a block. */
MCUQ_INLINE uint32_t mcuq_two_weights(uint32_t word, int32_t i) {
    const uint32_t mask = (1u << MCUQ_BITS) - 1u;
    return (word >> (i * MCUQ_BITS)) & (mask << 16 | mask);
}

MCUQ_INLINE void mcuq_add_input(uint32_t *a, uint32_t word, int32_t x) {
    a[0] += mcuq_two_weights(word, 0) * (uint32_t)x;
    a[1] += mcuq_two_weights(word, 1) * (uint32_t)x;
    a[2] += mcuq_two_weights(word, 2) * (uint32_t)x;
    a[3] += mcuq_two_weights(word, 3) * (uint32_t)x;
    if (MCUQ_BITS == 2) {
        a[4] += mcuq_two_weights(word, 4) * (uint32_t)x;
        a[5] += mcuq_two_weights(word, 5) * (uint32_t)x;
        a[6] += mcuq_two_weights(word, 6) * (uint32_t)x;
        a[7] += mcuq_two_weights(word, 7) * (uint32_t)x;
    }
}

MCUQ_INLINE void mcuq_end_lane(mcuq_lane_sums *sums, uint32_t chunk) {
    sums->total += chunk;
    sums->high += (uint32_t)((int32_t)chunk >> 16);
}

/* One chunk of a block. */
MCUQ_APART void mcuq_vector_chunk(const int32_t *w, const int8_t *x, const int8_t *end, uint32_t surplus,
                                  mcuq_lane_sums *sums) {
    uint32_t a[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    if ((end - x) & 1) {
        mcuq_add_input(a, (uint32_t)*w++, *x++);
    }
    for (; x != end; x += 2, w += 2) {
        mcuq_add_input(a, (uint32_t)w[0], x[0]);
        mcuq_add_input(a, (uint32_t)w[1], x[1]);
    }
    mcuq_end_lane(&sums[0], a[0] - surplus);
    mcuq_end_lane(&sums[1], a[1] - surplus);
    mcuq_end_lane(&sums[2], a[2] - surplus);
    mcuq_end_lane(&sums[3], a[3] - surplus);
    if (MCUQ_BITS == 2) {
        mcuq_end_lane(&sums[4], a[4] - surplus);
        mcuq_end_lane(&sums[5], a[5] - surplus);
        mcuq_end_lane(&sums[6], a[6] - surplus);
        mcuq_end_lane(&sums[7], a[7] - surplus);
    }
}

/* Per chunk what its sums have too much, in both lanes, but for the 2^15 that are wanted; returns how many there are.
 */
static int32_t mcuq_surpluses(const mcuq_layer *p, const int8_t *x, uint32_t *surplus) {
    int32_t chunks = 0;
    for (int32_t k = 0; k < p->input_c; chunks++) {
        const int32_t end = p->input_c - k < p->chunk ? p->input_c : k + p->chunk;
        int32_t sum = 0;
        for (; k < end; k++) {
            sum += x[k];
        }
        surplus[chunks] = (uint32_t)sum * ((MCUQ_OFFSET << 16) + MCUQ_OFFSET) - MCUQ_LANES_HALF;
    }
    return chunks;
}

static uint32_t mcuq_bias_of(const mcuq_layer *p, int32_t channel) {
    return channel < p->output_c ? (uint32_t)p->bias[channel] : 0;
}

/* Sums of the channels of a block. */
static void mcuq_vector_block(const mcuq_layer *p, const int32_t *w, const int8_t *x, const uint32_t *surplus,
                              int32_t chunks, int32_t channel, mcuq_lane_sums *sums) {
    for (int32_t i = 0; i < MCUQ_HALVES; i++) {
        sums[i].high = mcuq_bias_of(p, channel + MCUQ_HALVES + i);
        sums[i].total = mcuq_bias_of(p, channel + i) + (sums[i].high << 16) - (uint32_t)chunks * MCUQ_LANES_HALF;
    }
    for (const int8_t *const end = x + p->input_c; x != end; x += p->chunk, w += p->chunk) {
        if (end - x < p->chunk) {
            mcuq_vector_chunk(w, x, end, *surplus, sums);
            return;
        }
        mcuq_vector_chunk(w, x, x + p->chunk, *surplus++, sums);
    }
}

static void mcuq_vector(const mcuq_layer *p, const int8_t *x, int8_t *out, uint32_t *surplus) {
    const mcuq_scales scales = {p->output_zero_point, p->per_channel, p->multiplier, p->shift};
    const int32_t chunks = mcuq_surpluses(p, x, surplus);
    const int32_t *w = p->weights;
    for (int32_t channel = 0; channel < p->output_c; channel += MCUQ_BLOCK, w += p->input_c) {
        mcuq_lane_sums sums[MCUQ_HALVES];
        mcuq_vector_block(p, w, x, surplus, chunks, channel, sums);
        for (int32_t i = 0; i < MCUQ_BLOCK && channel + i < p->output_c; i++) {
            const mcuq_lane_sums *const s = &sums[i % MCUQ_HALVES];
            const uint32_t acc = i < MCUQ_HALVES ? s->total - (s->high << 16) : s->high;
            out[channel + i] = mcuq_scaled_any((int32_t)acc, &scales, channel + i, p->general);
        }
    }
}

MCUQ_INLINE void mcuq_multiply_vectors(const mcuq_layer *p, const int8_t *input, int8_t *output, void *scratch) {
    for (int32_t i = 0; i < p->batch; i++) {
        const int32_t b = p->reverse ? p->batch - 1 - i : i;
        int8_t *const out = output + b * p->output_c;
        mcuq_vector(p, input + b * p->input_c, out, scratch);
        mcuq_limit(out, p->output_c, p->activation_min, p->activation_max);
    }
}

#endif
