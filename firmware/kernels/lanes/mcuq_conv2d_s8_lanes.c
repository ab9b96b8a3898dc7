#include "mcuq_conv2d_s8_lanes.h"

#include "mcuq_lanes.h"

typedef mcuq_conv2d_s8_lanes_params mcuq_image;
#include "mcuq_lanes_window.h"

enum { TILE = 4 };

static void join_one(const mcuq_conv2d_s8_lanes_params *p, const int8_t *input, const mcuq_place *at, uint32_t *x,
                     int8_t *border) {
    mcuq_join_windows(p, input, at, x, 1, border);
}

static void join_alternate(const mcuq_conv2d_s8_lanes_params *p, const int8_t *input, const mcuq_place *at, uint32_t *x,
                           int8_t *border) {
    mcuq_join_windows(p, input, at, x, 2, border);
}

/* Pixels first..first + count - 1: all of their input is read before any of their output is written. */
static void tile(const mcuq_conv2d_s8_lanes_params *p, const mcuq_lanes *layer, const int8_t *input, int32_t first,
                 int32_t count, int8_t *output, uint32_t *x) {
    mcuq_place at[TILE];
    int8_t *out[TILE];
    int8_t *const border = (int8_t *)(x + 2 * layer->chunks * p->pairs);
    mcuq_tile_windows(p, first, count, TILE, at);
    for (int32_t i = 0; i < TILE; i++) {
        out[i] = output + (first + (i < count ? i : count - 1)) * p->output_c;
    }
    const int32_t pairs = count > 2 ? 2 : 1;
    if (pairs == 2) {
        join_alternate(p, input, at, x, border);
        join_alternate(p, input, at + 2, x + 1, border);
    } else {
        join_one(p, input, at, x, border);
    }
    mcuq_lanes_tile(layer, x, pairs, out);
}

void mcuq_conv2d_s8_lanes(const mcuq_conv2d_s8_lanes_params *params, const int8_t *input, int8_t *output,
                          void *scratch) {
    const mcuq_conv2d_s8_lanes_params *const p = params;
    const int32_t taps = p->filter_h * p->filter_w * p->input_c;
    const mcuq_lanes layer = {
        .taps = taps,
        .chunks = (taps + 1) / 2,
        .output_c = p->output_c,
        .weights = p->weights,
        .bias = p->bias,
        .scales = {p->output_zero_point, p->per_channel, p->multiplier, p->shift},
    };
    const int32_t pixels = p->output_h * p->output_w;
    const int32_t size = 2 * p->pairs;
    const int32_t tiles = (pixels + size - 1) / size;
    for (int32_t i = 0; i < tiles; i++) {
        const int32_t first = (p->reverse ? tiles - 1 - i : i) * size;
        const int32_t count = pixels - first < size ? pixels - first : size;
        tile(p, &layer, input, first, count, output, scratch);
        mcuq_limit(output + first * p->output_c, count * p->output_c, p->activation_min, p->activation_max);
    }
}
