#include "mcuq_conv2d_s8_w4_rv32.h"

#include "mcuq_lanes_w4.h"

typedef mcuq_conv2d_s8_w4_rv32_params mcuq_image;
#include "mcuq_lanes_window.h"

static void join(const mcuq_image *p, const int8_t *input, const mcuq_place *at, uint32_t *x, int8_t *border) {
    mcuq_join_windows(p, input, at, x, 2, border);
}

/* Pixels first..first + count - 1: all of their input is read before any of their output is written. */
static void tile(const mcuq_image *p, const mcuq_lanes_w4 *layer, const int8_t *input, int32_t first, int32_t count,
                 int8_t *output, uint32_t *x) {
    mcuq_place at[MCUQ_LANES_TILE];
    int8_t *out[MCUQ_LANES_TILE];
    int8_t *const border = (int8_t *)(x + 4 * layer->words);
    mcuq_tile_places(p, first, count, output, at, out);
    join(p, input, at, x, border);
    join(p, input, at + 2, x + 1, border);
    mcuq_lanes_w4_tile(layer, x, out);
}

void mcuq_conv2d_s8_w4_rv32(const mcuq_conv2d_s8_w4_rv32_params *params, const int8_t *input, int8_t *output,
                            void *scratch) {
    const mcuq_conv2d_s8_w4_rv32_params *const p = params;
    const int32_t words = (p->filter_h * p->filter_w * p->input_c + 1) / 2;
    const mcuq_lanes_w4 layer = {
        .words = words,
        .chunks = (words + p->chunk - 1) / p->chunk,
        .size = p->chunk,
        .output_c = p->output_c,
        .weights = p->weights,
        .bias = p->bias,
        .scales = {p->output_zero_point, p->per_channel, p->multiplier, p->shift},
    };
    const int32_t pixels = p->output_h * p->output_w;
    const int32_t tiles = (pixels + MCUQ_LANES_TILE - 1) / MCUQ_LANES_TILE;
    for (int32_t i = 0; i < tiles; i++) {
        const int32_t first = (p->reverse ? tiles - 1 - i : i) * MCUQ_LANES_TILE;
        const int32_t count = pixels - first < MCUQ_LANES_TILE ? pixels - first : MCUQ_LANES_TILE;
        tile(p, &layer, input, first, count, output, scratch);
        mcuq_limit(output + first * p->output_c, count * p->output_c, p->activation_min, p->activation_max);
    }
}
