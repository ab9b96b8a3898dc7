#include "mcuq_conv2d_s8_w1.h"

#include "mcuq_tuned.h"

typedef mcuq_conv2d_s8_w1_params mcuq_image;
enum { LANES = 2, MANY = 2, START = 1 << 15 };
#include "mcuq_signs_tile.h"

MCUQ_INLINE uint32_t join(const int8_t *const *x, int32_t i) {
    return (uint32_t)x[0][i] + ((uint32_t)x[1][i] << 16);
}

/* The word, whose sum over all words is taken modulo 2^32, and its upper half: see mcuq_lanes.h. */
MCUQ_INLINE mcuq_halves split(uint32_t word) {
    const mcuq_halves halves = {word, (uint32_t)((int32_t)word >> 16)};
    return halves;
}

MCUQ_INLINE uint32_t sum_of(const uint32_t *sums, int32_t pixel, uint32_t chunks) {
    return pixel == 0 ? sums[0] - (sums[1] << 16) - chunks * START : sums[1];
}

static void finish(const mcuq_image *p, const mcuq_tile *tile, int32_t word, int32_t end, int32_t pixels) {
    const mcuq_scales scales = {p->output_zero_point, p->per_channel, p->multiplier, p->shift};
    const uint32_t starts = mcuq_signs_chunks(p) * START;
    const int32_t channels = p->output_c, step = 2 * tile->words;
    const int32_t *const bias = p->bias;
    const int32_t to_1 = (pixels - 1) * channels;
    const uint32_t *sums = tile->sums + 2 * word;
    int8_t *out = tile->output + word * LANES * channels;
    for (int32_t channel = 0; channel < channels; channel++, sums += step, out++) {
        const mcuq_signs_scale scale = mcuq_signs_scale_of(&scales, channel);
        const uint32_t from = (uint32_t)bias[channel];
        int8_t *pixel = out;
        for (const uint32_t *s = sums; s != sums + 2 * (end - word); s += 2, pixel += LANES * channels) {
            pixel[0] =
                (int8_t)mcuq_signs_scaled((int32_t)(from - starts + s[0] - (s[1] << 16)), scale, INT8_MIN, INT8_MAX);
            pixel[to_1] = (int8_t)mcuq_signs_scaled((int32_t)(from + s[1]), scale, INT8_MIN, INT8_MAX);
        }
    }
    int8_t *const first = tile->output + word * LANES * channels;
    mcuq_limit(first, ((end - word - 1) * LANES + pixels) * channels, p->activation_min, p->activation_max);
}

void mcuq_conv2d_s8_w1(const mcuq_conv2d_s8_w1_params *params, const int8_t *input, int8_t *output, void *scratch) {
    mcuq_signs_layer(params, input, output, scratch);
}
