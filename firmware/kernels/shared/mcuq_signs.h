/* Sums of taps with signs, by tables: layers with weights of 1 bit.
 *
 * Four taps have 16 sums +-x0 +-x1 +-x2 +-x3. Their table is made once for a tile of pixels, and four weights of every
 * output channel look one of them up. A word holds the sums of several pixels, in lanes, and an entry of the table is
 * `words` words: 3 + 2 * words instructions for four taps of all the tile's pixels. */
#ifndef MCUQ_SIGNS_H
#define MCUQ_SIGNS_H

#include "mcuq_tuned.h"

enum {
    MCUQ_SIGNS_WORD = 32, /* taps that a word of weights has */
    MCUQ_SIGNS_GROUP = 4, /* taps of a table */
    MCUQ_SIGNS_SUMS = 16, /* entries of a table */
    MCUQ_SIGNS_MOST = 4   /* words of an entry */
};

MCUQ_INLINE void mcuq_signs_put(uint32_t *t, int32_t words, int32_t index, uint32_t sum, uint32_t twice) {
    t[index * words] = sum;
    t[(index + MCUQ_SIGNS_SUMS / 2) * words] = sum + twice;
}

/* One word of every entry of a table of four taps; bit i of an entry's index stands for + x[i]. */
MCUQ_INLINE void mcuq_signs_table(const uint32_t *x, uint32_t *t, int32_t words) {
    const uint32_t y0 = 2 * x[0], y1 = 2 * x[1], y2 = 2 * x[2], y3 = 2 * x[3];
    const uint32_t none = 0u - x[0] - x[1] - x[2] - x[3];
    const uint32_t first = none + y0, second = none + y1, both = first + y1;
    mcuq_signs_put(t, words, 0, none, y3);
    mcuq_signs_put(t, words, 1, first, y3);
    mcuq_signs_put(t, words, 2, second, y3);
    mcuq_signs_put(t, words, 3, both, y3);
    mcuq_signs_put(t, words, 4, none + y2, y3);
    mcuq_signs_put(t, words, 5, first + y2, y3);
    mcuq_signs_put(t, words, 6, second + y2, y3);
    mcuq_signs_put(t, words, 7, both + y2, y3);
}

/* Add the entry that four weights of a word choose; the word's tables follow each other. */
MCUQ_INLINE void mcuq_signs_step(const uint32_t *tables, uint32_t word, int32_t group, int32_t words, uint32_t *sum) {
    const int32_t size = words == 4 ? 4 : words == 2 ? 3 : 2; /* of an entry: its logarithm */
    const int32_t right = MCUQ_SIGNS_GROUP * group - size;
    const uint32_t offset = (right < 0 ? word << -right : word >> right) & ((MCUQ_SIGNS_SUMS - 1u) << size);
    const uint32_t *const first = (const uint32_t *)((const uint8_t *)tables + offset);
    sum[0] += first[group * MCUQ_SIGNS_SUMS * words];
    if (words > 1) {
        sum[1] += first[group * MCUQ_SIGNS_SUMS * words + 1];
    }
    if (words > 2) {
        sum[2] += first[group * MCUQ_SIGNS_SUMS * words + 2];
        sum[3] += first[group * MCUQ_SIGNS_SUMS * words + 3];
    }
}

/* Add one channel's sums over the taps of some words of weights to the words of a sum. */
MCUQ_INLINE void mcuq_signs_add(const uint32_t *tables, const int32_t *weights, const int32_t *end, int32_t words,
                                uint32_t *sum) {
    do {
        const uint32_t word = (uint32_t)*weights++;
        mcuq_signs_step(tables, word, 0, words, sum);
        mcuq_signs_step(tables, word, 1, words, sum);
        mcuq_signs_step(tables, word, 2, words, sum);
        mcuq_signs_step(tables, word, 3, words, sum);
        mcuq_signs_step(tables, word, 4, words, sum);
        mcuq_signs_step(tables, word, 5, words, sum);
        mcuq_signs_step(tables, word, 6, words, sum);
        mcuq_signs_step(tables, word, 7, words, sum);
        tables += MCUQ_SIGNS_WORD / MCUQ_SIGNS_GROUP * MCUQ_SIGNS_SUMS * words;
    } while (weights != end);
}

#endif
