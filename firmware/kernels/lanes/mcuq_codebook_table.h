/* Two weights of a codebook looked up with one index: kernels on RV32IMC.
 *
 * A codebook's table has one entry per pair of indices, 256 of 4 bits or 16 of 2 bits: the levels of the lower ones,
 * then those of the upper ones. A kernel says how many bits, before it includes this: enum { MCUQ_BITS }. */
#ifndef MCUQ_CODEBOOK_TABLE_H
#define MCUQ_CODEBOOK_TABLE_H

#include "mcuq_tuned.h"

enum { MCUQ_PLACES = 1 << 2 * MCUQ_BITS, MCUQ_TABLE = 2 * MCUQ_PLACES };

static void mcuq_fill_tables(const int8_t *levels, int32_t codebooks, int8_t *tables) {
    for (int32_t k = 0; k < codebooks; k++, levels += 1 << MCUQ_BITS, tables += MCUQ_TABLE) {
        for (int32_t i = 0; i < MCUQ_PLACES; i++) {
            tables[i] = levels[i & ((1 << MCUQ_BITS) - 1)];
            tables[MCUQ_PLACES + i] = levels[i >> MCUQ_BITS];
        }
    }
}

/* Four weights: of two bytes, or of one where an index has 2 bits. */
MCUQ_INLINE void mcuq_look_up(const uint8_t *w, const int8_t *table, int32_t *weights) {
    const int8_t *const a = table + (MCUQ_BITS == 4 ? w[0] : w[0] & 15);
    const int8_t *const b = table + (MCUQ_BITS == 4 ? w[1] : w[0] >> 4);
    weights[0] = a[0], weights[1] = a[MCUQ_PLACES];
    weights[2] = b[0], weights[3] = b[MCUQ_PLACES];
}

#endif
