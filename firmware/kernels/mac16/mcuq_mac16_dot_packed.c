#include "mcuq_mac16_dot_packed.h"

#include "mcuq_mac16_channel.h"
#include "mcuq_mac16_isa.h"

#if !MCUQ_MAC16

/* The integers of a filter in the order of x. */
static void integers(const mcuq_mac16_dot_packed *p, const uint8_t *words) {
    const int32_t per_word = 32 / p->bits;
    const int32_t sign = 1 << (p->bits - 1);
    for (int32_t k = 0; k < p->tile.taps; k++) {
        const int32_t in_word = k % per_word;
        const int32_t bit = (in_word / 2 + in_word % 2 * per_word / 2) * p->bits;
        const int32_t index = words[k / per_word * 4 + bit / 8] >> bit % 8 & (2 * sign - 1);
        p->tile.filter[k] = (int16_t)((index ^ sign) - sign);
    }
}

/* The same from pairs of levels; `taps` is even. */
static void pairs(const mcuq_mac16_dot_packed *p, const uint8_t *words, const int16_t *table) {
    for (int32_t k = 0; k < p->tile.taps; k += 2) {
        const int32_t bit = k * p->bits;
        const int32_t index = words[bit / 8] >> bit % 8 & ((1 << 2 * p->bits) - 1);
        p->tile.filter[k] = table[2 * index] / 256;
        p->tile.filter[k + 1] = table[2 * index + 1] / 256;
    }
}

/* The same from levels. */
static void levels(const mcuq_mac16_dot_packed *p, const uint8_t *words, const int8_t *table) {
    for (int32_t k = 0; k < p->tile.taps; k++) {
        const int32_t bit = k * p->bits;
        p->tile.filter[k] = table[words[bit / 8] >> bit % 8 & ((1 << p->bits) - 1)];
    }
}

static void spread(const mcuq_mac16_dot_packed *p, int32_t channel) {
    const uint8_t *const words = (const uint8_t *)p->tile.weights + channel * ((p->tile.taps * p->bits + 31) / 32 * 4);
    const int32_t codebook = p->codebook[channel * p->per_group];
    if (p->form == MCUQ_MAC16_INTEGERS) {
        integers(p, words);
    } else if (p->form == MCUQ_MAC16_PAIRS) {
        pairs(p, words, p->pairs + (codebook << (2 * p->bits + 1)));
    } else {
        levels(p, words, p->levels + (codebook << p->bits));
    }
}

void mcuq_mac16_dot_packed_tile(const mcuq_mac16_dot_packed *packed) {
    const mcuq_mac16_dot *const tile = &packed->tile;
    const int32_t larger = packed->form == MCUQ_MAC16_INTEGERS ? 8 - packed->bits : 0;
    for (int32_t c = 0; c < tile->channels; c++) {
        const int32_t multiplier = tile->multiplier[c * tile->per_channel];
        int8_t *output = tile->output + c;
        spread(packed, c);
        for (int32_t row = 0; row < tile->rows; row++) {
            for (int32_t pixel = 0; pixel < tile->pixels; pixel++) {
                const int16_t *const x = tile->x + (row * tile->row_step + pixel * tile->step) / 2;
                int32_t sum = 0;
                for (int32_t k = 0; k < tile->taps; k++) {
                    sum += x[k] * tile->filter[k];
                }
                *output = mcuq_mac16_scaled_output(tile->bias[c], sum, larger, multiplier, tile->zero_point, tile->min,
                                                   tile->max);
                output += tile->output_step;
            }
        }
    }
}

#else

typedef int mcuq_mac16_dot_packed_is_assembly; /* a file must not be empty */

#endif
