#include "mcuq_conv2d_s8_xnor_tile.h"

#include "mcuq_tuned.h"

typedef mcuq_conv2d_s8_xnor_tile_params mcuq_image;
enum { LANES = 4, MANY = 4, HALF = 1 << 6 };
#define START 0x40404040u /* HALF in every lane */
#include "mcuq_signs_tile.h"

MCUQ_INLINE uint32_t join(const int8_t *const *x, int32_t i) {
    return (uint32_t)x[0][i] + ((uint32_t)x[1][i] << 8) + ((uint32_t)x[2][i] << 16) + ((uint32_t)x[3][i] << 24);
}

/* Sums of 16 bits, never negative: of pixels 0 and 2, and of pixels 1 and 3. */
MCUQ_INLINE mcuq_halves split(uint32_t word) {
    const mcuq_halves halves = {word & 0x00FF00FFu, (word >> 8) & 0x00FF00FFu};
    return halves;
}

MCUQ_INLINE uint32_t sum_of(const uint32_t *sums, int32_t pixel, uint32_t chunks) {
    return ((sums[pixel & 1] >> 8 * (pixel & 2)) & 0xFFFFu) - chunks * HALF;
}

/* Bytes from the first pixel of a word to pixel i, or to the last one there is. */
static int32_t distance(const mcuq_image *p, int32_t i, int32_t pixels) {
    return (i < pixels ? i : pixels - 1) * p->output_c;
}

/* Read with a sign, though there is none: GCC then loads the lower half alone, too. */
MCUQ_INLINE int32_t lower(uint32_t sums) {
    return (int16_t)sums;
}

MCUQ_INLINE int32_t upper(uint32_t sums) {
    return (int16_t)(sums >> 16);
}

static void finish(const mcuq_image *p, const mcuq_tile *tile, int32_t word, int32_t end, int32_t pixels) {
    const mcuq_scales scales = {p->output_zero_point, p->per_channel, p->multiplier, p->shift};
    const int32_t halves = (int32_t)mcuq_signs_chunks(p) * HALF;
    const int32_t channels = p->output_c, step = 2 * tile->words;
    const int32_t to_1 = distance(p, 1, pixels), to_2 = distance(p, 2, pixels), to_3 = distance(p, 3, pixels);
    const int32_t low = p->activation_min, high = p->activation_max;
    const int32_t *const bias = p->bias;
    const uint32_t *sums = tile->sums + 2 * word;
    int8_t *out = tile->output + word * LANES * channels;
    for (int32_t channel = 0; channel < channels; channel++, sums += step, out++) {
        const mcuq_signs_scale scale = mcuq_signs_scale_of(&scales, channel);
        const int32_t from = bias[channel] - halves;
        int8_t *pixel = out;
        for (const uint32_t *s = sums; s != sums + 2 * (end - word); s += 2, pixel += LANES * channels) {
            pixel[0] = (int8_t)mcuq_signs_scaled(from + lower(s[0]), scale, low, high);
            pixel[to_1] = (int8_t)mcuq_signs_scaled(from + lower(s[1]), scale, low, high);
            pixel[to_2] = (int8_t)mcuq_signs_scaled(from + upper(s[0]), scale, low, high);
            pixel[to_3] = (int8_t)mcuq_signs_scaled(from + upper(s[1]), scale, low, high);
        }
    }
}

void mcuq_conv2d_s8_xnor_tile(const mcuq_conv2d_s8_xnor_tile_params *params, const int8_t *input, int8_t *output,
                              void *scratch) {
    mcuq_signs_layer(params, input, output, scratch);
}
