#include "mcuq_conv2d_1x1_s8_lanes.h"

#include "mcuq_lanes.h"

enum { TILE = 4 };

/* Up to four pixels: all of their input is read before any of their output is written. */
static void tile(const mcuq_lanes *p, const int8_t *input, int32_t count, int8_t *output, uint32_t *x) {
    const int8_t *in[TILE];
    int8_t *out[TILE];
    for (int32_t i = 0; i < TILE; i++) {
        const int32_t pixel = i < count ? i : count - 1;
        in[i] = input + pixel * p->taps;
        out[i] = output + pixel * p->output_c;
    }
    const int32_t pairs = count > 2 ? 2 : 1;
    if (p->taps & 1) {
        for (int32_t i = 0; i < pairs; i++) {
            x[p->taps * pairs + i] = 0;
        }
    }
    if (pairs == 2) {
        mcuq_lanes_join(in[0], in[1], p->taps, x, 2);
        mcuq_lanes_join(in[2], in[3], p->taps, x + 1, 2);
    } else {
        mcuq_lanes_join(in[0], in[1], p->taps, x, 1);
    }
    mcuq_lanes_tile(p, x, pairs, out);
}

void mcuq_conv2d_1x1_s8_lanes(const mcuq_conv2d_1x1_s8_lanes_params *params, const int8_t *input, int8_t *output,
                              void *scratch) {
    const mcuq_conv2d_1x1_s8_lanes_params *const p = params;
    const mcuq_lanes layer = {
        .taps = p->input_c,
        .chunks = (p->input_c + 1) / 2,
        .output_c = p->output_c,
        .weights = p->weights,
        .bias = p->bias,
        .scales = {p->output_zero_point, p->per_channel, p->multiplier, p->shift},
    };
    const int32_t tiles = (p->pixels + TILE - 1) / TILE;
    for (int32_t i = 0; i < tiles; i++) {
        const int32_t first = (p->reverse ? tiles - 1 - i : i) * TILE;
        const int32_t count = p->pixels - first < TILE ? p->pixels - first : TILE;
        int8_t *const out = output + first * p->output_c;
        tile(&layer, input + first * p->input_c, count, out, scratch);
        mcuq_limit(out, count * p->output_c, p->activation_min, p->activation_max);
    }
}
