/* Weights of a codebook on pixels in lanes (mcuq_lanes_blocks.h), two taps to a sum of 16 bits as in mcuq_lanes.h.
 *
 * Both taps' weights of a channel are looked up with one index (mcuq_codebook_table.h): 78 instructions for 32
 * products, where weights in bytes take 71. */
#ifndef MCUQ_LANES_CODEBOOK_H
#define MCUQ_LANES_CODEBOOK_H

enum { MCUQ_GROUP = 2, MCUQ_GRAIN = 2 };

#include "mcuq_codebook_table.h"
#include "mcuq_lanes_blocks.h"

/* Sums of a group. */
typedef struct {
    mcuq_lane_sums a[MCUQ_BLOCK_PAIRS];
    mcuq_lane_sums b[MCUQ_BLOCK_PAIRS];
} mcuq_channels;

/* Two taps of a pair, four products. */
MCUQ_INLINE void mcuq_add_pair(mcuq_lane_sums *sums, uint32_t x0, uint32_t x1, int32_t w0, int32_t w1) {
    const uint32_t chunk = x0 * (uint32_t)w0 + x1 * (uint32_t)w1 + MCUQ_LANES_HALF;
    sums->total += chunk;
    sums->high += (uint32_t)((int32_t)chunk >> 16);
}

/* Two taps of two channels. */
MCUQ_INLINE void mcuq_add_taps(mcuq_channels *s, const uint8_t *w, const int8_t *table, const uint32_t *x,
                               int32_t pairs) {
    int32_t v[4];
    mcuq_look_up(w, table, v);
    mcuq_add_pair(&s->a[0], x[0], x[pairs], v[0], v[1]);
    mcuq_add_pair(&s->b[0], x[0], x[pairs], v[2], v[3]);
    mcuq_add_pair(&s->a[1], x[1], x[pairs + 1], v[0], v[1]);
    mcuq_add_pair(&s->b[1], x[1], x[pairs + 1], v[2], v[3]);
    if (pairs == 4) {
        mcuq_add_pair(&s->a[2], x[2], x[6], v[0], v[1]);
        mcuq_add_pair(&s->b[2], x[2], x[6], v[2], v[3]);
        mcuq_add_pair(&s->a[3], x[3], x[7], v[0], v[1]);
        mcuq_add_pair(&s->b[3], x[3], x[7], v[2], v[3]);
    }
}

MCUQ_INLINE void mcuq_codebook_sums(const uint8_t *w, const uint8_t *end, const int8_t *table, const uint32_t *x,
                                    int32_t pairs, mcuq_lane_sums *sums) {
    mcuq_channels s = {{sums[0], sums[1]}, {sums[pairs], sums[pairs + 1]}};
    if (pairs == 4) {
        s.a[2] = sums[2], s.a[3] = sums[3], s.b[2] = sums[6], s.b[3] = sums[7];
    }
    do {
        mcuq_add_taps(&s, w, table, x, pairs);
        w += MCUQ_BITS / 2;
        x += 2 * pairs;
    } while (w != end);
    sums[0] = s.a[0], sums[1] = s.a[1], sums[pairs] = s.b[0], sums[pairs + 1] = s.b[1];
    if (pairs == 4) {
        sums[2] = s.a[2], sums[3] = s.a[3], sums[6] = s.b[2], sums[7] = s.b[3];
    }
}

MCUQ_INLINE void mcuq_add_groups(const mcuq_image *p, const mcuq_block *block, int32_t channel, int32_t end,
                                 int32_t pairs, mcuq_lane_sums *sums) {
    const int32_t row = (p->filter_h * p->filter_w * p->input_c + 1) / 2 * (MCUQ_BITS / 2);
    const int32_t bytes = (block->taps + 1) / 2 * (MCUQ_BITS / 2);
    const uint8_t *w = p->weights + channel / 2 * row + block->first / 2 * (MCUQ_BITS / 2);
    for (; channel < end; channel += MCUQ_GROUP, w += row, sums += MCUQ_GROUP * pairs) {
        const int8_t *const table = block->tables + p->codebook[channel * p->per_group] * MCUQ_TABLE;
        mcuq_codebook_sums(w, w + bytes, table, block->x, pairs, sums);
    }
}

/* Functions by themselves, so that registers hold nothing else. */
MCUQ_APART void mcuq_add_four(const mcuq_image *p, const mcuq_block *block, int32_t channel, int32_t end,
                              mcuq_lane_sums *sums) {
    mcuq_add_groups(p, block, channel, end, 4, sums);
}

MCUQ_APART void mcuq_add_two(const mcuq_image *p, const mcuq_block *block, int32_t channel, int32_t end,
                             mcuq_lane_sums *sums) {
    mcuq_add_groups(p, block, channel, end, 2, sums);
}

static void mcuq_add_block(const mcuq_image *p, const mcuq_block *block, int32_t channel, int32_t end,
                           mcuq_lane_sums *sums) {
    if (block->pairs == 4) {
        mcuq_add_four(p, block, channel, end, sums);
    } else {
        mcuq_add_two(p, block, channel, end, sums);
    }
}

MCUQ_INLINE void mcuq_convolve_codebook(const mcuq_image *p, const int8_t *input, int8_t *output, void *scratch) {
    mcuq_fill_tables(p->levels, p->codebooks, scratch);
    mcuq_convolve_blocks(p, input, output, scratch, p->codebooks * MCUQ_TABLE);
}

#endif
