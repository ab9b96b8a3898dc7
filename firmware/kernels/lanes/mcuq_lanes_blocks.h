/* Convolution with pixels in lanes (mcuq_lanes_join.h), block by block: some taps of a window by some output channels.
 *
 * Up to eight windows' taps of one block are joined, then multiplied with the weights of every group of channels; sums
 * wait in the scratch for the next block of taps. So eight pixels fit where all of eight windows would not.
 *
 * A kernel says what it has, before it includes this: typedef ... mcuq_image, its parameters, and
 * enum { MCUQ_GROUP, MCUQ_GRAIN }: channels of a group; taps that weights are filled up to. It then defines
 * mcuq_add_block, and calls mcuq_convolve_blocks. */
#ifndef MCUQ_LANES_BLOCKS_H
#define MCUQ_LANES_BLOCKS_H

#include "mcuq_lanes_window.h"

enum { MCUQ_BLOCK_PAIRS = 4 };

/* A tile of pixels, and a block of taps. */
typedef struct {
    mcuq_place at[2 * MCUQ_BLOCK_PAIRS];
    int32_t pairs; /* 2 or 4 */
    int32_t first; /* tap */
    int32_t taps;
    uint32_t *x; /* (taps filled up, pairs) */
    int8_t *border;
    const int8_t *tables; /* of the kernel, in front of all else in the scratch */
} mcuq_block;

/* Add the products of a block's taps and the weights of channels channel..end to sums (channels, pairs). */
static void mcuq_add_block(const mcuq_image *p, const mcuq_block *block, int32_t channel, int32_t end,
                           mcuq_lane_sums *sums);

/* A block's taps of two windows side by side into every `pairs`th word of x. */
MCUQ_INLINE void mcuq_join_pair(const mcuq_image *p, const int8_t *input, const mcuq_block *block, const mcuq_place *at,
                                uint32_t *x, int32_t pairs) {
    const int32_t width = p->filter_w * p->input_c, end = block->first + block->taps;
    const int32_t both = mcuq_is_inside(p, &at[0]) && mcuq_is_inside(p, &at[1]);
    const int32_t across = ((at[1].y - at[0].y) * p->input_w + at[1].x - at[0].x) * p->input_c;
    int32_t i = block->first / width, first = block->first - i * width;
    for (int32_t tap = block->first; tap != end; i++, first = 0) {
        const int32_t rest = end - tap < width - first ? end - tap : width - first;
        const int32_t down = i * p->dilation_h;
        const int8_t *a, *b;
        if (both) {
            a = input + ((at[0].y + down) * p->input_w + at[0].x) * p->input_c + first;
            b = a + across;
        } else {
            a = mcuq_row_part(p, input, at[0].y + down, at[0].x, first, first + rest, block->border);
            b = mcuq_row_part(p, input, at[1].y + down, at[1].x, first, first + rest, block->border + block->taps);
        }
        mcuq_lanes_join(a, b, rest, x, pairs);
        x += rest * pairs;
        tap += rest;
    }
    for (int32_t k = block->taps; k % MCUQ_GRAIN; k++, x += pairs) {
        *x = 0;
    }
}

MCUQ_APART void mcuq_join_block(const mcuq_image *p, const int8_t *input, const mcuq_block *block) {
    for (int32_t i = 0; i < block->pairs; i++) {
        if (block->pairs == 4) {
            mcuq_join_pair(p, input, block, block->at + 2 * i, block->x + i, 4);
        } else {
            mcuq_join_pair(p, input, block, block->at + 2 * i, block->x + i, 2);
        }
    }
}

/* Begin the sums of channels: biases, less what their chunks of taps will have added. */
static void mcuq_start_sums(const mcuq_image *p, int32_t channel, int32_t count, int32_t pairs, mcuq_lane_sums *sums) {
    const uint32_t surplus = (uint32_t)p->chunks * MCUQ_LANES_HALF;
    for (int32_t i = channel; i < channel + count; i++) {
        const uint32_t bias = i < p->output_c ? (uint32_t)p->bias[i] : 0;
        const mcuq_lane_sums start = {bias + (bias << 16) - surplus, bias};
        for (const mcuq_lane_sums *const end = sums + pairs; sums != end; sums += 2) {
            sums[0] = sums[1] = start;
        }
    }
}

/* Outputs of some channels of `count` neighbouring pixels. */
MCUQ_APART void mcuq_finish_sums(const mcuq_image *p, int32_t channel, int32_t end, int32_t count, int32_t pairs,
                                 const mcuq_lane_sums *sums, int8_t *output) {
    const mcuq_scales scales = {p->output_zero_point, p->per_channel, p->multiplier, p->shift};
    const int32_t step = p->output_c, odd = count & 1;
    for (; channel < end; channel++, sums += pairs) {
        const mcuq_scale scale = mcuq_scale_of(&scales, channel);
        int8_t *out = output + channel;
        const mcuq_lane_sums *s = sums;
        for (const mcuq_lane_sums *const whole = sums + (count >> 1); s != whole; s++) {
            const uint32_t high = s->high;
            *out = mcuq_scaled((int32_t)(s->total - (high << 16)), scale);
            out += step;
            *out = mcuq_scaled((int32_t)high, scale);
            out += step;
        }
        if (odd) {
            *out = mcuq_scaled((int32_t)(s->total - (s->high << 16)), scale);
        }
    }
}

/* The same for scales of any size. */
MCUQ_APART void mcuq_finish_general(const mcuq_image *p, int32_t channel, int32_t end, int32_t count, int32_t pairs,
                                    const mcuq_lane_sums *sums, int8_t *output) {
    const mcuq_scales scales = {p->output_zero_point, p->per_channel, p->multiplier, p->shift};
    for (; channel < end; channel++, sums += pairs) {
        for (int32_t i = 0; i < count; i++) {
            const mcuq_lane_sums *const s = sums + (i >> 1);
            const uint32_t acc = i & 1 ? s->high : s->total - (s->high << 16);
            output[i * p->output_c + channel] = mcuq_scaled_general((int32_t)acc, &scales, channel);
        }
    }
}

/* Channels channel..end of a tile. */
static void mcuq_block_channels(const mcuq_image *p, const int8_t *input, mcuq_block *block, int32_t channel,
                                int32_t end, mcuq_lane_sums *sums) {
    const int32_t all = p->filter_h * p->filter_w * p->input_c;
    mcuq_start_sums(p, channel, p->block_channels, block->pairs, sums);
    for (int32_t first = 0; first < all; first += p->block_taps) {
        block->first = first;
        block->taps = all - first < p->block_taps ? all - first : p->block_taps;
        if (channel == 0 || p->block_taps < all) {
            mcuq_join_block(p, input, block);
        }
        mcuq_add_block(p, block, channel, end, sums);
    }
}

/* Pixels first..first + count - 1. */
static void mcuq_block_tile(const mcuq_image *p, const int8_t *input, int32_t first, int32_t count, int8_t *output,
                            int8_t *scratch, int32_t tables) {
    mcuq_block block;
    mcuq_lane_sums *const sums = (mcuq_lane_sums *)(void *)(scratch + tables);
    block.tables = scratch;
    block.pairs = count > 4 ? 4 : 2;
    mcuq_tile_windows(p, first, count, 2 * block.pairs, block.at);
    block.x = (uint32_t *)(sums + p->block_channels * p->pairs);
    block.border = (int8_t *)(block.x + (p->block_taps + MCUQ_GRAIN - 1) / MCUQ_GRAIN * MCUQ_GRAIN * p->pairs);
    for (int32_t channel = 0; channel < p->output_c; channel += p->block_channels) {
        const int32_t next = channel + p->block_channels;
        const int32_t end = next < p->output_c ? next : p->output_c;
        mcuq_block_channels(p, input, &block, channel, end, sums);
        if (p->general) {
            mcuq_finish_general(p, channel, end, count, block.pairs, sums, output);
        } else {
            mcuq_finish_sums(p, channel, end, count, block.pairs, sums, output);
        }
    }
}

/* The whole layer; the scratch begins with so many bytes of tables. */
MCUQ_INLINE void mcuq_convolve_blocks(const mcuq_image *p, const int8_t *input, int8_t *output, void *scratch,
                                      int32_t tables) {
    const int32_t pixels = p->output_h * p->output_w;
    const int32_t size = 2 * p->pairs;
    const int32_t tiles = (pixels + size - 1) / size;
    for (int32_t i = 0; i < tiles; i++) {
        const int32_t first = (p->reverse ? tiles - 1 - i : i) * size;
        const int32_t count = pixels - first < size ? pixels - first : size;
        int8_t *const out = output + first * p->output_c;
        mcuq_block_tile(p, input, first, count, out, scratch, tables);
        mcuq_limit(out, count * p->output_c, p->activation_min, p->activation_max);
    }
}

#endif
