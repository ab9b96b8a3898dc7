/* Weights of 4 or 2 bits on pixels in lanes (mcuq_lanes_blocks.h): the taps of a block are one chunk.
 *
 * A chunk's sum stays within int16 while its |w| sum to at most 255 (the packing proves it): 30 taps of 4 bits at
 * least. A word holds some taps of four channels; decoding a weight takes the two shifts that make a signed number of
 * its bits, for eight pixels: 92 instructions for 64 products of 4 bits, 190 for 128 of 2. */
#ifndef MCUQ_LANES_BITS_H
#define MCUQ_LANES_BITS_H

#if defined(__GNUC__) && !defined(__clang__)
/* Else a product waits for its sum's next one, and with it both words of x: 13 loads and stores of spilled sums more.
 */
#pragma GCC optimize("no-tree-ter")
#endif

#include "mcuq_lanes_blocks.h"

enum { MCUQ_BITS = 8 / MCUQ_GRAIN };

/* Products of a chunk, 2^15 more, of one channel. */
typedef struct {
    uint32_t pair[MCUQ_BLOCK_PAIRS];
} mcuq_chunk;

MCUQ_INLINE void mcuq_add_products(mcuq_chunk *a, const uint32_t *x, uint32_t word, int32_t index, int32_t pairs) {
    const uint32_t w = (uint32_t)((int32_t)(word << (32 - MCUQ_BITS - MCUQ_BITS * index)) >> (32 - MCUQ_BITS));
    a->pair[0] += x[0] * w;
    a->pair[1] += x[1] * w;
    if (pairs == 4) {
        a->pair[2] += x[2] * w;
        a->pair[3] += x[3] * w;
    }
}

/* One tap of four channels, whose weights begin at `index` of a word. */
MCUQ_INLINE void mcuq_add_tap(mcuq_chunk *a, const uint32_t *x, uint32_t word, int32_t index, int32_t pairs) {
    const uint32_t values[MCUQ_BLOCK_PAIRS] = {x[0], x[1], pairs == 4 ? x[2] : 0, pairs == 4 ? x[3] : 0};
    mcuq_add_products(&a[0], values, word, index, pairs);
    mcuq_add_products(&a[1], values, word, index + 1, pairs);
    mcuq_add_products(&a[2], values, word, index + 2, pairs);
    mcuq_add_products(&a[3], values, word, index + 3, pairs);
}

MCUQ_INLINE void mcuq_end_pair(mcuq_lane_sums *sums, uint32_t chunk) {
    sums->total += chunk;
    sums->high += (uint32_t)((int32_t)chunk >> 16);
}

MCUQ_INLINE void mcuq_end_chunk(mcuq_lane_sums *sums, const mcuq_chunk *a, int32_t pairs) {
    mcuq_end_pair(&sums[0], a->pair[0]);
    mcuq_end_pair(&sums[1], a->pair[1]);
    if (pairs == 4) {
        mcuq_end_pair(&sums[2], a->pair[2]);
        mcuq_end_pair(&sums[3], a->pair[3]);
    }
}

/* One chunk of four channels. */
MCUQ_INLINE void mcuq_few_bits_chunk(const int32_t *weights, const int32_t *end, const uint32_t *x, int32_t pairs,
                                     mcuq_lane_sums *sums) {
    const mcuq_chunk start = {{MCUQ_LANES_HALF, MCUQ_LANES_HALF, MCUQ_LANES_HALF, MCUQ_LANES_HALF}};
    mcuq_chunk a[MCUQ_GROUP] = {start, start, start, start};
    do {
        const uint32_t word = (uint32_t)*weights++;
        mcuq_add_tap(a, x, word, 0, pairs);
        mcuq_add_tap(a, x + pairs, word, 4, pairs);
        if (MCUQ_BITS == 2) {
            mcuq_add_tap(a, x + 2 * pairs, word, 8, pairs);
            mcuq_add_tap(a, x + 3 * pairs, word, 12, pairs);
        }
        x += MCUQ_GRAIN * pairs;
    } while (weights != end);
    mcuq_end_chunk(sums, &a[0], pairs);
    mcuq_end_chunk(sums + pairs, &a[1], pairs);
    mcuq_end_chunk(sums + 2 * pairs, &a[2], pairs);
    mcuq_end_chunk(sums + 3 * pairs, &a[3], pairs);
}

/* Functions by themselves, so that registers hold nothing else. */
MCUQ_APART void mcuq_chunk_of_four(const int32_t *weights, const int32_t *end, const uint32_t *x,
                                   mcuq_lane_sums *sums) {
    mcuq_few_bits_chunk(weights, end, x, 4, sums);
}

MCUQ_APART void mcuq_chunk_of_two(const int32_t *weights, const int32_t *end, const uint32_t *x, mcuq_lane_sums *sums) {
    mcuq_few_bits_chunk(weights, end, x, 2, sums);
}

static void mcuq_add_block(const mcuq_image *p, const mcuq_block *block, int32_t channel, int32_t end,
                           mcuq_lane_sums *sums) {
    const int32_t words = (p->filter_h * p->filter_w * p->input_c + MCUQ_GRAIN - 1) / MCUQ_GRAIN;
    const int32_t count = (block->taps + MCUQ_GRAIN - 1) / MCUQ_GRAIN;
    const int32_t *w = p->weights + channel / MCUQ_GROUP * words + block->first / MCUQ_GRAIN;
    for (; channel < end; channel += MCUQ_GROUP, w += words) {
        if (block->pairs == 4) {
            mcuq_chunk_of_four(w, w + count, block->x, sums);
        } else {
            mcuq_chunk_of_two(w, w + count, block->x, sums);
        }
        sums += MCUQ_GROUP * block->pairs;
    }
}

#endif
