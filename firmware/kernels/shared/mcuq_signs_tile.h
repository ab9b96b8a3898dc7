/* Tiles of pixels times weights of 1 bit, by the tables of mcuq_signs.h, for kernels that differ in the lanes of a
 * word.
 *
 * Before it includes this, a kernel says what type its parameters have, how many pixels share a word, how many words
 * the entries of large tiles have, and what a word of sums begins with: typedef ... mcuq_image; enum { LANES, MANY };
 * START. It defines the functions declared below. Two words of every channel collect what the lanes of one word sum to.
 * Pixels that would fill at most half of a large tile make small ones, of one word. */
#ifndef MCUQ_SIGNS_TILE_H
#define MCUQ_SIGNS_TILE_H

#include "mcuq_signs.h"
#include "mcuq_signs_scale.h"
#include "mcuq_window_part.h"

/* A tile's pixels, its scratch, and the taps that are looked up together. */
typedef struct {
    const int8_t *input;
    int8_t *output; /* (count, output_c) */
    int32_t first;
    int32_t count;
    int32_t words;
    int32_t size;           /* taps, rounded up to words of weights */
    const int32_t *weights; /* (output_c, size / 32) */
    uint32_t *sums;         /* (output_c, words, 2) */
    uint32_t *tables;
    int8_t *copy; /* (LANES, size) */
} mcuq_tile;

/* One tap of all pixels of a word: x[pixel][i]. */
MCUQ_INLINE uint32_t join(const int8_t *const *x, int32_t i);

/* Two sums of the lanes of a word that began as START. */
typedef struct {
    uint32_t a;
    uint32_t b;
} mcuq_halves;

MCUQ_INLINE mcuq_halves split(uint32_t word);

/* What the taps of one pixel of a word sum to, after so many chunks. */
MCUQ_INLINE uint32_t sum_of(const uint32_t *sums, int32_t pixel, uint32_t chunks);

/* The outputs of some words of every channel's sums; the last word's pixels need not be all there. */
static void finish(const mcuq_image *p, const mcuq_tile *tile, int32_t word, int32_t end, int32_t pixels);

/* How often sums are begun anew. */
MCUQ_INLINE uint32_t mcuq_signs_chunks(const mcuq_image *p) {
    const int32_t taps = p->filter_h * p->filter_w * p->input_c;
    return (uint32_t)((taps + p->chunk - 1) / p->chunk);
}

/* All of a tile's outputs, for scales of any size, lane by lane. */
MCUQ_APART void mcuq_signs_finish_general(const mcuq_image *p, const mcuq_tile *tile) {
    const uint32_t chunks = mcuq_signs_chunks(p);
    const int32_t channels = p->output_c, zero_point = p->output_zero_point;
    const int32_t low = p->activation_min - zero_point, high = p->activation_max - zero_point;
    for (int32_t channel = 0; channel < channels; channel++) {
        const int32_t q = channel * p->per_channel;
        const int32_t multiplier = p->multiplier[q], shift = p->shift[q];
        const uint32_t bias = (uint32_t)p->bias[channel];
        for (int32_t lane = 0; lane < LANES; lane++) {
            const uint32_t *s = tile->sums + 2 * tile->words * channel;
            int8_t *out = tile->output + lane * channels + channel;
            for (int32_t i = lane; i < tile->count; i += LANES, s += 2, out += LANES * channels) {
                const int32_t acc = (int32_t)(bias + sum_of(s, lane, chunks));
                const int32_t y = mcuq_requantize(acc, multiplier, shift);
                *out = (int8_t)((y < low ? low : y > high ? high : y) + zero_point);
            }
        }
    }
}

static int32_t mcuq_signs_rounded_up(int32_t taps) {
    return (taps + MCUQ_SIGNS_WORD - 1) & -MCUQ_SIGNS_WORD;
}

/* Where the window of a pixel lies; the tile's last one stands for those that it lacks. */
static mcuq_place mcuq_place_of(const mcuq_image *p, const mcuq_tile *tile, int32_t i) {
    const int32_t pixel = tile->first + (i < tile->count ? i : tile->count - 1);
    const mcuq_place at = {pixel / p->output_w * p->stride_h - p->pad_top,
                           pixel % p->output_w * p->stride_w - p->pad_left};
    return at;
}

MCUQ_INLINE void mcuq_signs_tables(const int8_t *const *x, int32_t taps, uint32_t *t, int32_t words) {
    for (int32_t i = 0; i < taps; i += MCUQ_SIGNS_GROUP, t += MCUQ_SIGNS_SUMS * words) {
        const uint32_t four[MCUQ_SIGNS_GROUP] = {join(x, i), join(x, i + 1), join(x, i + 2), join(x, i + 3)};
        mcuq_signs_table(four, t, words);
    }
}

MCUQ_APART void mcuq_signs_prepare(const mcuq_image *p, const mcuq_tile *tile, mcuq_part part) {
    for (int32_t i = 0; i < tile->words; i++) {
        const int8_t *x[LANES];
        for (int32_t k = 0; k < LANES; k++) {
            const mcuq_place at = mcuq_place_of(p, tile, i * LANES + k);
            x[k] = mcuq_window_part(p, tile->input, at, part, tile->size, tile->copy + k * tile->size);
        }
        if (tile->words == MANY) {
            mcuq_signs_tables(x, tile->size, tile->tables + i, MANY);
        } else {
            mcuq_signs_tables(x, tile->size, tile->tables, 1);
        }
    }
}

MCUQ_INLINE void mcuq_signs_collect(uint32_t word, int32_t is_first, uint32_t *sums) {
    const mcuq_halves halves = split(word);
    if (is_first) {
        sums[0] = halves.a;
        sums[1] = halves.b;
    } else {
        sums[0] += halves.a;
        sums[1] += halves.b;
    }
}

/* Add the taps that are looked up together to the sums of all channels; the first ones begin them. */
MCUQ_INLINE void mcuq_signs_add_all(const mcuq_tile *tile, int32_t channels, int32_t words, int32_t is_first) {
    const uint32_t *const t = tile->tables;
    const int32_t *w = tile->weights;
    const int32_t count = tile->size / MCUQ_SIGNS_WORD;
    uint32_t *s = tile->sums;
    for (const uint32_t *const end = s + 2 * channels * words; s != end; w += count, s += 2 * words) {
        uint32_t lanes[MCUQ_SIGNS_MOST] = {START, START, START, START};
        mcuq_signs_add(t, w, w + count, words, lanes);
        mcuq_signs_collect(lanes[0], is_first, s);
        if (words > 1) {
            mcuq_signs_collect(lanes[1], is_first, s + 2);
        }
        if (words > 2) {
            mcuq_signs_collect(lanes[2], is_first, s + 4);
            mcuq_signs_collect(lanes[3], is_first, s + 6);
        }
    }
}

MCUQ_APART void mcuq_signs_add_one(const mcuq_tile *tile, int32_t channels, int32_t is_first) {
    mcuq_signs_add_all(tile, channels, 1, is_first);
}

MCUQ_APART void mcuq_signs_add_many(const mcuq_tile *tile, int32_t channels, int32_t is_first) {
    mcuq_signs_add_all(tile, channels, MANY, is_first);
}

static void mcuq_signs_finish(const mcuq_image *p, const mcuq_tile *tile) {
    const int32_t full = tile->count / LANES, pixels = tile->count % LANES;
    finish(p, tile, 0, full, LANES);
    if (pixels > 0) {
        finish(p, tile, full, full + 1, pixels);
    }
}

/* All of a tile's input is read before any of its output is written. */
static void mcuq_signs_tile(const mcuq_image *p, mcuq_tile *tile, uint32_t *scratch) {
    const int32_t width = p->filter_w * p->input_c, taps = p->filter_h * width;
    const int32_t most = mcuq_signs_rounded_up(taps < p->chunk ? taps : p->chunk);
    tile->weights = p->weights;
    tile->sums = scratch;
    tile->tables = tile->sums + 2 * p->output_c * tile->words;
    tile->copy = (int8_t *)(tile->tables + most / MCUQ_SIGNS_GROUP * MCUQ_SIGNS_SUMS * tile->words);
    for (int32_t tap = 0; tap < taps; tap += p->chunk) {
        const mcuq_part part = {tap / width, tap % width, taps - tap < p->chunk ? taps - tap : p->chunk};
        tile->size = mcuq_signs_rounded_up(part.count);
        mcuq_signs_prepare(p, tile, part);
        if (tile->words == MANY) {
            mcuq_signs_add_many(tile, p->output_c, tap == 0);
        } else {
            mcuq_signs_add_one(tile, p->output_c, tap == 0);
        }
        tile->weights += p->output_c * (tile->size / MCUQ_SIGNS_WORD);
    }
    if (p->general) {
        mcuq_signs_finish_general(p, tile);
    } else {
        mcuq_signs_finish(p, tile);
    }
}

static void mcuq_signs_layer(const mcuq_image *p, const int8_t *input, int8_t *output, uint32_t *scratch) {
    const int32_t pixels = p->output_h * p->output_w;
    const int32_t large = LANES * p->words, larges = (pixels + large / 2 - 1) / large;
    const int32_t rest = pixels - larges * large;
    const int32_t tiles = larges + (rest > 0 ? (rest + LANES - 1) / LANES : 0);
    for (int32_t i = 0; i < tiles; i++) {
        const int32_t index = p->reverse ? tiles - 1 - i : i;
        const int32_t words = index < larges ? p->words : 1, size = words * LANES;
        const int32_t first = index < larges ? index * large : larges * large + (index - larges) * LANES;
        const int32_t count = pixels - first < size ? pixels - first : size;
        mcuq_tile tile = {.input = input, .first = first, .count = count, .words = words};
        tile.output = output + first * p->output_c;
        mcuq_signs_tile(p, &tile, scratch);
    }
}

#endif
