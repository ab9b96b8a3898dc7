#include "mcuq_mac16_vector_packed.h"

#include "mcuq_mac16_channel.h"
#include "mcuq_mac16_isa.h"

#if !MCUQ_MAC16

/* Products of a byte of integers, `high` in the lowest bits, without those from `bits` up: where the upper ones are 0.
 */
static int32_t byte_of_integers(const int16_t *x, uint32_t byte, int32_t bits) {
    int32_t acc = *x * (int8_t)byte;
    for (int32_t left = 8 - bits; left > 0; left -= bits) {
        x += 2;
        acc += *x * (int32_t)(byte & ((1u << left) - 1u));
    }
    return acc;
}

/* The sum as the assembly computes it: of integers 2^(8 - bits) times larger. */
static int32_t sum_of_integers(const mcuq_mac16_vector_packed *v, const uint8_t *weights) {
    const int32_t step = 16 / v->bits; /* values of x for two bytes */
    const int16_t *x = v->x;
    int32_t acc = 0;
    for (int32_t word = 0; word < v->words; word++, weights += 4, x += 2 * step) {
        acc += byte_of_integers(x, weights[1], v->bits) + byte_of_integers(x + 1, weights[3], v->bits);
        acc += byte_of_integers(x + step, weights[0], v->bits) + byte_of_integers(x + step + 1, weights[2], v->bits);
    }
    return acc;
}

static int32_t sum_of_pairs(const mcuq_mac16_vector_packed *v, const uint8_t *weights, const int16_t *pairs) {
    const int32_t mask = (1 << 2 * v->bits) - 1;
    int32_t acc = 0;
    for (int32_t k = 0; k < v->words * 32 / v->bits; k += 2) {
        const int32_t index = weights[k * v->bits / 8] >> k * v->bits % 8 & mask;
        acc += v->x[k] * (pairs[2 * index] / 256) + v->x[k + 1] * (pairs[2 * index + 1] / 256);
    }
    return acc;
}

void mcuq_mac16_vector_packed_run(const mcuq_mac16_vector_packed *vector) {
    const mcuq_mac16_vector_packed *const v = vector;
    const int32_t larger = v->pairs ? 0 : 8 - v->bits;
    for (int32_t c = 0; c < v->channels; c++) {
        const uint8_t *const weights = v->weights + c * 4 * v->words;
        int32_t sum = v->addition;
        if (v->pairs) {
            sum += sum_of_pairs(v, weights, v->pairs + (v->codebook[c * v->per_group] << (2 * v->bits + 1)));
        } else {
            sum += sum_of_integers(v, weights) >> larger;
        }
        v->output[c] = mcuq_mac16_scaled_output(v->bias[c], sum, larger, v->multiplier[c * v->per_channel],
                                                v->zero_point, v->min, v->max);
    }
}

#else

typedef int mcuq_mac16_vector_packed_is_assembly; /* a file must not be empty */

#endif
