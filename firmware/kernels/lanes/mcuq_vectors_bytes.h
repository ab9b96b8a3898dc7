/* Weights are used once, so they are not unpacked one by one: a word holds those of four channels for one input, as
 * bytes u = w + 128. The word times x, and its second and fourth byte times x, give all four products, two to a
 * register as in mcuq_lanes.h: channels 0 and 2, 1 and 3. What u has over w is the same for all channels, 128 times the
 * inputs' sum, computed once per chunk.
 *
 * A chunk of two would cost as much as products one by one: where weights are too large for chunks of three, they are
 * int8 and multiplied as such, chunks of one. */
#ifndef MCUQ_VECTORS_BYTES_H
#define MCUQ_VECTORS_BYTES_H

#include "mcuq_tuned.h"

enum { MCUQ_VECTOR_BLOCK = 8, MCUQ_VECTOR_HALF = 1 << 15, MCUQ_VECTOR_LANES = 0x00ff00ff };

/* A matrix by which vectors are multiplied. */
typedef struct {
    int32_t input_c;
    int32_t output_c;
    int32_t chunk; /* inputs whose products are summed in 16 bits: 8, 4, 3 or 1 */
    const int32_t
        *weights; /* bytes (output_c / 8, input_c, 8), 128 added but for chunk 1; int8 (output_c % 8, input_c) */
    const int32_t *extra; /* (n + 1, 2): channel, and input * 256 + weight + 128 to be added; the last channel: -1 */
    const int32_t *bias;  /* (output_c), the input's zero point included */
} mcuq_vector_matrix;

/* A vector at work with a matrix. */
typedef struct {
    const int8_t *x;
    const int8_t *whole; /* where whole chunks end */
    const int8_t *end;
    const uint32_t *surplus; /* what the sums of each chunk have too much */
    uint32_t begin;          /* what totals begin with */
    const int32_t *extra;    /* of the next channels */
} mcuq_vector;

/* Two channels: see mcuq_lanes.h. */
typedef struct {
    uint32_t total;
    uint32_t high;
} mcuq_vector_sums;

/* Products of a chunk: of whole words, and of their second and fourth bytes. */
typedef struct {
    uint32_t words;
    uint32_t odd;
} mcuq_vector_products;

MCUQ_INLINE void mcuq_vector_multiply(mcuq_vector_products *a, uint32_t weights, int32_t x) {
    a->words += weights * (uint32_t)x;
    a->odd += ((weights >> 8) & MCUQ_VECTOR_LANES) * (uint32_t)x;
}

MCUQ_INLINE void mcuq_vector_add_chunk(mcuq_vector_sums *even, mcuq_vector_sums *odd, mcuq_vector_products a,
                                       uint32_t surplus) {
    const uint32_t first = a.words - (a.odd << 8) - surplus;
    const uint32_t second = a.odd - surplus;
    even->total += first;
    even->high += (uint32_t)((int32_t)first >> 16);
    odd->total += second;
    odd->high += (uint32_t)((int32_t)second >> 16);
}

/* Four channels, a chunk of three, four or eight inputs; the next input's word is two words on. */
MCUQ_INLINE mcuq_vector_products mcuq_vector_three(const int32_t *w, const int8_t *x) {
    mcuq_vector_products a = {0, 0};
    mcuq_vector_multiply(&a, (uint32_t)w[0], x[0]);
    mcuq_vector_multiply(&a, (uint32_t)w[2], x[1]);
    mcuq_vector_multiply(&a, (uint32_t)w[4], x[2]);
    return a;
}

MCUQ_INLINE mcuq_vector_products mcuq_vector_four(const int32_t *w, const int8_t *x) {
    mcuq_vector_products a = mcuq_vector_three(w, x);
    mcuq_vector_multiply(&a, (uint32_t)w[6], x[3]);
    return a;
}

MCUQ_INLINE mcuq_vector_products mcuq_vector_eight(const int32_t *w, const int8_t *x) {
    mcuq_vector_products a = mcuq_vector_four(w, x);
    mcuq_vector_multiply(&a, (uint32_t)w[8], x[4]);
    mcuq_vector_multiply(&a, (uint32_t)w[10], x[5]);
    mcuq_vector_multiply(&a, (uint32_t)w[12], x[6]);
    mcuq_vector_multiply(&a, (uint32_t)w[14], x[7]);
    return a;
}

static inline mcuq_vector_products mcuq_vector_short_chunk(const int32_t *w, const int8_t *x, const int8_t *end) {
    mcuq_vector_products a = {0, 0};
    for (; x != end; x++, w += 2) {
        mcuq_vector_multiply(&a, (uint32_t)w[0], *x);
    }
    return a;
}

/* Words of scratch that a vector needs. */
static inline int32_t mcuq_vector_words(const mcuq_vector_matrix *m) {
    return m->chunk > 1 ? (m->input_c + m->chunk - 1) / m->chunk : 0;
}

/* What the sums of a chunk have too much: 128 times the inputs, in both lanes, but for the 2^15 that are wanted. */
static inline uint32_t mcuq_vector_surplus(const int8_t *x, const int8_t *end) {
    int32_t sum = 0;
    while (x != end) {
        sum += *x++;
    }
    return (uint32_t)sum * ((128u << 16) + 128u) - MCUQ_VECTOR_HALF;
}

/* Make a vector ready for a matrix; `surplus` has room for mcuq_vector_words. */
static inline mcuq_vector mcuq_vector_ready(const mcuq_vector_matrix *m, const int8_t *x, uint32_t *surplus) {
    const int8_t *const end = x + m->input_c;
    const uint32_t begin = (uint32_t)mcuq_vector_words(m) * -(uint32_t)MCUQ_VECTOR_HALF;
    const mcuq_vector v = {x, end - m->input_c % m->chunk, end, surplus, begin, m->extra};
    if (m->chunk > 1) {
        for (; x != v.whole; x += m->chunk) {
            *surplus++ = mcuq_vector_surplus(x, x + m->chunk);
        }
        if (x != end) {
            *surplus = mcuq_vector_surplus(x, end);
        }
    }
    return v;
}

/* Accumulators of two channels. */
MCUQ_INLINE void mcuq_vector_finish(mcuq_vector_sums s, const int32_t *bias, int32_t *acc) {
    acc[0] = (int32_t)((uint32_t)bias[0] + s.total - (s.high << 16));
    acc[2] = (int32_t)((uint32_t)bias[2] + s.high);
}

/* Eight channels in chunks, without what is in `extra`: a function by itself, so that registers hold nothing else. */
MCUQ_APART void mcuq_vector_in_chunks(const mcuq_vector_matrix *m, const mcuq_vector *v, int32_t channel,
                                      int32_t *acc) {
    const int32_t *w = m->weights + channel / 4 * m->input_c;
    const int8_t *x = v->x, *const whole = v->whole;
    const uint32_t *surplus = v->surplus;
    mcuq_vector_sums a = {v->begin, 0}, b = a, c = a, d = a;
    if (m->chunk == 8) {
        for (; x != whole; x += 8, w += 16, surplus++) {
            mcuq_vector_add_chunk(&a, &b, mcuq_vector_eight(w, x), *surplus);
            mcuq_vector_add_chunk(&c, &d, mcuq_vector_eight(w + 1, x), *surplus);
        }
    } else if (m->chunk == 4) {
        for (; x != whole; x += 4, w += 8, surplus++) {
            mcuq_vector_add_chunk(&a, &b, mcuq_vector_four(w, x), *surplus);
            mcuq_vector_add_chunk(&c, &d, mcuq_vector_four(w + 1, x), *surplus);
        }
    } else {
        for (; x != whole; x += 3, w += 6, surplus++) {
            mcuq_vector_add_chunk(&a, &b, mcuq_vector_three(w, x), *surplus);
            mcuq_vector_add_chunk(&c, &d, mcuq_vector_three(w + 1, x), *surplus);
        }
    }
    if (x != v->end) {
        mcuq_vector_add_chunk(&a, &b, mcuq_vector_short_chunk(w, x, v->end), *surplus);
        mcuq_vector_add_chunk(&c, &d, mcuq_vector_short_chunk(w + 1, x, v->end), *surplus);
    }
    const int32_t *const bias = m->bias + channel;
    mcuq_vector_finish(a, bias, acc);
    mcuq_vector_finish(b, bias + 1, acc + 1);
    mcuq_vector_finish(c, bias + 4, acc + 4);
    mcuq_vector_finish(d, bias + 5, acc + 5);
}

/* One input of eight channels. */
MCUQ_INLINE void mcuq_vector_step(uint32_t *acc, const int8_t *w, int32_t x) {
    acc[0] += (uint32_t)(w[0] * x);
    acc[1] += (uint32_t)(w[1] * x);
    acc[2] += (uint32_t)(w[2] * x);
    acc[3] += (uint32_t)(w[3] * x);
    acc[4] += (uint32_t)(w[4] * x);
    acc[5] += (uint32_t)(w[5] * x);
    acc[6] += (uint32_t)(w[6] * x);
    acc[7] += (uint32_t)(w[7] * x);
}

MCUQ_INLINE void mcuq_vector_four_steps(uint32_t *acc, const int8_t *w, const int8_t *x) {
    mcuq_vector_step(acc, w, x[0]);
    mcuq_vector_step(acc, w + MCUQ_VECTOR_BLOCK, x[1]);
    mcuq_vector_step(acc, w + 2 * MCUQ_VECTOR_BLOCK, x[2]);
    mcuq_vector_step(acc, w + 3 * MCUQ_VECTOR_BLOCK, x[3]);
}

/* Eight channels, products one by one. */
MCUQ_APART void mcuq_vector_one_by_one(const mcuq_vector_matrix *m, const int8_t *x, int32_t channel, int32_t *acc) {
    const int8_t *w = (const int8_t *)(m->weights + channel / 4 * m->input_c);
    const uint32_t *const b = (const uint32_t *)(m->bias + channel);
    const int8_t *const end = x + m->input_c;
    const int8_t *const eights = x + (m->input_c & ~7);
    uint32_t sums[MCUQ_VECTOR_BLOCK] = {b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]};
    for (; x != eights; x += 8, w += 8 * MCUQ_VECTOR_BLOCK) {
        mcuq_vector_four_steps(sums, w, x);
        mcuq_vector_four_steps(sums, w + 4 * MCUQ_VECTOR_BLOCK, x + 4);
    }
    for (; x != end; x++, w += MCUQ_VECTOR_BLOCK) {
        mcuq_vector_step(sums, w, *x);
    }
    acc[0] = (int32_t)sums[0], acc[1] = (int32_t)sums[1], acc[2] = (int32_t)sums[2], acc[3] = (int32_t)sums[3];
    acc[4] = (int32_t)sums[4], acc[5] = (int32_t)sums[5], acc[6] = (int32_t)sums[6], acc[7] = (int32_t)sums[7];
}

/* Accumulator of one of the channels behind the last eight. */
static int32_t mcuq_vector_last(const mcuq_vector_matrix *m, const int8_t *x, int32_t channel) {
    const int32_t blocked = channel / MCUQ_VECTOR_BLOCK * MCUQ_VECTOR_BLOCK;
    const int8_t *const rows = (const int8_t *)(m->weights + blocked / 4 * m->input_c);
    const int8_t *const w = rows + (channel - blocked) * m->input_c;
    uint32_t acc = (uint32_t)m->bias[channel];
    for (int32_t k = 0; k < m->input_c; k++) {
        acc += (uint32_t)(x[k] * w[k]);
    }
    return (int32_t)acc;
}

/* Accumulators of eight channels or, behind the last eight, of one, in their order: the return value says how many. */
static int32_t mcuq_vector_accumulate(const mcuq_vector_matrix *m, mcuq_vector *v, int32_t channel, int32_t *acc) {
    if (channel + MCUQ_VECTOR_BLOCK > m->output_c) {
        acc[0] = mcuq_vector_last(m, v->x, channel);
        return 1;
    }
    if (m->chunk == 1) {
        mcuq_vector_one_by_one(m, v->x, channel, acc);
        return MCUQ_VECTOR_BLOCK;
    }
    mcuq_vector_in_chunks(m, v, channel, acc);
    const int32_t *e = v->extra;
    for (; (uint32_t)e[0] < (uint32_t)(channel + MCUQ_VECTOR_BLOCK); e += 2) {
        int32_t *const own = acc + (e[0] - channel);
        *own = (int32_t)((uint32_t)*own + (uint32_t)((e[1] & 255) - 128) * (uint32_t)v->x[e[1] >> 8]);
    }
    v->extra = e;
    return MCUQ_VECTOR_BLOCK;
}

#endif
