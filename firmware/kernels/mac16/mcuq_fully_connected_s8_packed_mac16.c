#include "mcuq_fully_connected_s8_packed_mac16.h"

#include "mcuq_mac16_vector_packed.h"
#include "mcuq_mac16_widen.h"

enum { MOST = 16 }; /* weights of a word */

/* The taps of a byte in each half of a word, of 4 bits; returns the sum of those whose weights have an offset. */
static int32_t two_fours(const int8_t *input, int16_t *to) {
    const int32_t a0 = MCUQ_MAC16_TOP - input[0];
    const int32_t a1 = MCUQ_MAC16_TOP - input[1];
    const int32_t a2 = MCUQ_MAC16_TOP - input[2];
    const int32_t a3 = MCUQ_MAC16_TOP - input[3];
    to[0] = (int16_t)a2;
    to[1] = (int16_t)a3;
    to[2] = (int16_t)(16 * a0 - a2);
    to[3] = (int16_t)(16 * a1 - a3);
    return a0 + a1;
}

/* The same of 2 bits. */
static int32_t four_twos(const int8_t *input, int16_t *to) {
    int32_t sum = 0;
    for (int32_t half = 0; half < 2; half++) {
        const int32_t a0 = MCUQ_MAC16_TOP - input[half];
        const int32_t a1 = MCUQ_MAC16_TOP - input[half + 2];
        const int32_t a2 = MCUQ_MAC16_TOP - input[half + 4];
        const int32_t a3 = MCUQ_MAC16_TOP - input[half + 6];
        to[half] = (int16_t)a3;
        to[half + 2] = (int16_t)(4 * a2 - a3);
        to[half + 4] = (int16_t)(16 * a1 - 4 * a2);
        to[half + 6] = (int16_t)(64 * a0 - 16 * a1);
        sum += a0 + a1 + a2;
    }
    return sum;
}

/* `count` inputs for integers, see mcuq_mac16_vector_packed.h; returns what the offset of their weights adds. */
static int32_t prepare(const int8_t *input, int32_t count, int32_t bits, int16_t *to) {
    const int32_t per_word = 32 / bits;
    const int32_t lower = per_word / 2; /* taps of a word's lower bytes */
    int8_t last[MOST];
    int32_t sum = 0;
    for (; count > 0; count -= per_word, input += per_word, to += per_word) {
        if (count < per_word) {
            for (int32_t k = 0; k < per_word; k++) {
                last[k] = k < count ? input[k] : (int8_t)MCUQ_MAC16_TOP;
            }
            input = last;
        }
        if (bits == 4) {
            sum += two_fours(input + lower, to) + two_fours(input, to + lower);
        } else {
            sum += four_twos(input + lower, to) + four_twos(input, to + lower);
        }
    }
    return sum << (bits - 1);
}

/* The same for indices. */
static void widen(const int8_t *input, int32_t count, int32_t per_word, int16_t *to) {
    mcuq_mac16_widen(input, count, 1, to, 0, 0);
    for (; count % per_word != 0; count++) {
        to[count] = 0;
    }
}

void mcuq_fully_connected_s8_packed_mac16(const mcuq_fully_connected_s8_packed_mac16_params *params,
                                          const int8_t *input, int8_t *output, void *scratch) {
    const mcuq_fully_connected_s8_packed_mac16_params *const p = params;
    const int32_t per_word = 32 / p->bits;
    mcuq_mac16_vector_packed vector = {0};
    if (p->form == 0) {
        vector.addition = -prepare(input, p->input_c, p->bits, scratch);
    } else {
        widen(input, p->input_c, per_word, scratch);
        vector.pairs = p->pairs;
    }
    vector.weights = p->weights;
    vector.bias = p->bias;
    vector.multiplier = p->multiplier;
    vector.per_channel = p->per_channel;
    vector.channels = p->output_c;
    vector.words = (p->input_c + per_word - 1) / per_word;
    vector.x = scratch;
    vector.output = output;
    vector.zero_point = p->output_zero_point;
    vector.min = p->activation_min;
    vector.max = p->activation_max;
    vector.bits = p->bits;
    vector.codebook = p->codebook;
    vector.per_group = p->per_group;
    mcuq_mac16_vector_packed_run(&vector);
}
