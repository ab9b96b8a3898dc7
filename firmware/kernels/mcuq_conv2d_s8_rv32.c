#include "mcuq_conv2d_s8_rv32.h"

#include "mcuq_lanes.h"

enum { TILE = 4 };

/* Where a window begins in the image; it may lie partly outside. */
typedef struct {
    int32_t y;
    int32_t x;
} place;

/* One row of a window, (filter_w, input_c): in the image or, where that is not enough, in `border`. */
static const int8_t *window_row(const mcuq_conv2d_s8_rv32_params *p, const int8_t *input, int32_t y, int32_t x,
                                int8_t *border) {
    const int32_t depth = p->input_c;
    const int32_t inside = y >= 0 && y < p->input_h;
    if (inside && p->dilation_w == 1 && x >= 0 && x + p->filter_w <= p->input_w) {
        return input + (y * p->input_w + x) * depth;
    }
    int8_t *out = border;
    for (int32_t j = 0; j < p->filter_w; j++, x += p->dilation_w) {
        int8_t *const end = out + depth;
        if (inside && x >= 0 && x < p->input_w) {
            const int8_t *from = input + (y * p->input_w + x) * depth;
            while (out != end) {
                *out++ = *from++;
            }
        }
        while (out != end) {
            *out++ = (int8_t)p->input_zero_point;
        }
    }
    return border;
}

static int32_t is_inside(const mcuq_conv2d_s8_rv32_params *p, const place *at) {
    return at->y >= 0 && at->x >= 0 && at->y + (p->filter_h - 1) * p->dilation_h < p->input_h &&
           at->x + p->filter_w <= p->input_w && p->dilation_w == 1;
}

/* Two windows side by side into every `stride`th word of x. */
MCUQ_INLINE void join_windows(const mcuq_conv2d_s8_rv32_params *p, const int8_t *input, const place *at, uint32_t *x,
                              int32_t stride, int8_t *border) {
    const int32_t width = p->filter_w * p->input_c;
    const int32_t down = p->dilation_h * p->input_w * p->input_c;
    const int32_t inside = is_inside(p, &at[0]) && is_inside(p, &at[1]);
    const int32_t first_a = (at[0].y * p->input_w + at[0].x) * p->input_c;
    const int32_t first_b = (at[1].y * p->input_w + at[1].x) * p->input_c;
    for (int32_t i = 0; i < p->filter_h; i++) {
        const int8_t *a, *b;
        if (inside) {
            a = input + first_a + i * down;
            b = input + first_b + i * down;
        } else {
            a = window_row(p, input, at[0].y + i * p->dilation_h, at[0].x, border);
            b = window_row(p, input, at[1].y + i * p->dilation_h, at[1].x, border + width);
        }
        mcuq_lanes_join(a, b, width, x, stride);
        x += width * stride;
    }
    if ((p->filter_h * width) & 1) {
        *x = 0;
    }
}

static void join_one(const mcuq_conv2d_s8_rv32_params *p, const int8_t *input, const place *at, uint32_t *x,
                     int8_t *border) {
    join_windows(p, input, at, x, 1, border);
}

static void join_alternate(const mcuq_conv2d_s8_rv32_params *p, const int8_t *input, const place *at, uint32_t *x,
                           int8_t *border) {
    join_windows(p, input, at, x, 2, border);
}

/* Pixels first..first + count - 1: all of their input is read before any of their output is written. */
static void tile(const mcuq_conv2d_s8_rv32_params *p, const mcuq_lanes *layer, const int8_t *input, int32_t first,
                 int32_t count, int8_t *output, uint32_t *x) {
    place at[TILE];
    int8_t *out[TILE];
    int8_t *const border = (int8_t *)(x + 2 * layer->chunks * p->pairs);
    int32_t row = first / p->output_w;
    int32_t column = first % p->output_w;
    for (int32_t i = 0; i < TILE; i++) {
        at[i].y = row * p->stride_h - p->pad_top;
        at[i].x = column * p->stride_w - p->pad_left;
        out[i] = output + (row * p->output_w + column) * p->output_c;
        if (i + 1 < count && ++column == p->output_w) {
            column = 0;
            row++;
        }
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

void mcuq_conv2d_s8_rv32(const mcuq_conv2d_s8_rv32_params *params, const int8_t *input, int8_t *output, void *scratch) {
    const mcuq_conv2d_s8_rv32_params *const p = params;
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
