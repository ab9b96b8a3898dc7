#include "mcuq_depthwise_conv2d_s8_mac16.h"

#include "mcuq_mac16_depthwise.h"
#include "mcuq_mac16_widen.h"

enum { GROUP = 4 }; /* channels side by side */

/* Rows or columns [first, first + count) of the image that lie inside it. */
typedef struct {
    int32_t first;
    int32_t count;
} span;

static span inside(int32_t first, int32_t count, int32_t step, int32_t size) {
    span s = {0, count};
    while (s.count > 0 && first + s.first * step < 0) {
        s.first++;
        s.count--;
    }
    while (s.count > 0 && first + (s.first + s.count - 1) * step >= size) {
        s.count--;
    }
    return s;
}

/* The last channels, fewer than four, as mcuq_mac16_widen_planes does. */
static void rest(const mcuq_mac16_planes *planes, const int8_t *from, int32_t channels, int16_t *to) {
    for (int32_t row = 0; row < planes->rows; row++) {
        const int8_t *x = from + row * planes->from_row;
        int16_t *first = to + 2 * row;
        for (int32_t pixel = 0; pixel < planes->pixels; pixel++) {
            for (int32_t c = 0; c < channels; c++) {
                first[c % 2 * planes->plane / 2 + c / 2] = (int16_t)(MCUQ_MAC16_TOP - x[c]);
            }
            x += planes->from_step;
            first += planes->to_step / 2;
        }
    }
}

static void fill(int32_t zero_point, int32_t count, int16_t *to) {
    for (int32_t k = 0; k < count; k++) {
        to[k] = (int16_t)(MCUQ_MAC16_TOP - zero_point);
    }
}

static void tile(const mcuq_depthwise_conv2d_s8_mac16_params *p, mcuq_mac16_depthwise *core, const int8_t *input,
                 int8_t *output, int32_t y, int32_t x) {
    core->rows = p->output_h - y < p->tile_rows ? p->output_h - y : p->tile_rows;
    core->pixels = p->output_w - x < p->tile_pixels ? p->output_w - x : p->tile_pixels;
    const int32_t y0 = y * p->stride_h - p->pad_top;
    const int32_t x0 = x * p->stride_w - p->pad_left;
    const int32_t height = (core->rows - 1) * p->stride_h + p->filter_h;
    const int32_t width = (core->pixels - 1) * p->stride_w + p->filter_w;
    const span rows = inside(y0, height, p->dilation_h, p->input_h);
    const span columns = inside(x0, width, 1, p->input_w);
    const mcuq_mac16_planes planes = {columns.count, rows.count, p->input_c, p->dilation_h * p->input_w * p->input_c,
                                      core->column,  core->plane};
    if (rows.count < height || columns.count < width) { /* the same border for all channels */
        fill(p->input_zero_point, core->plane, core->x);
    }
    int16_t *const to = core->x + columns.first * core->column / 2 + 2 * rows.first;
    const int8_t *from = input;
    if (rows.count > 0 && columns.count > 0) {
        from += ((y0 + rows.first * p->dilation_h) * p->input_w + x0 + columns.first) * p->input_c;
    }
    core->weights = p->weights;
    core->bias = p->bias;
    core->multiplier = p->multiplier;
    core->output = output + (y * p->output_w + x) * p->input_c;
    for (int32_t c = 0; c < p->input_c; c += GROUP, from += GROUP) {
        core->channels = p->input_c - c < GROUP ? p->input_c - c : GROUP;
        if (rows.count == 0 || columns.count == 0) {
            /* nothing but zero points */
        } else if (core->channels < GROUP) {
            rest(&planes, from, core->channels, to);
        } else {
            mcuq_mac16_widen_planes(&planes, from, to);
        }
        mcuq_mac16_depthwise_tile(core);
    }
}

/* Taps of x that the core reads at most, those with weights of 0 included. */
static int32_t taps_read(int32_t taps) {
    return taps <= 6 ? 6 : taps <= 10 ? 10 : taps + taps % 2;
}

void mcuq_depthwise_conv2d_s8_mac16(const mcuq_depthwise_conv2d_s8_mac16_params *params, const int8_t *input,
                                    int8_t *output, void *scratch) {
    const mcuq_depthwise_conv2d_s8_mac16_params *const p = params;
    const int32_t height = (p->tile_rows - 1) * p->stride_h + p->filter_h;
    const int32_t width = (p->tile_pixels - 1) * p->stride_w + p->filter_w;
    mcuq_mac16_depthwise core = {0};
    core.per_channel = p->per_channel;
    core.filter_h = p->filter_h;
    core.filter_w = p->filter_w;
    core.x = scratch;
    core.column = 4 * height;
    core.step = p->stride_w * core.column;
    core.row = 4 * p->stride_h;
    core.plane = width * core.column + 4 * (taps_read(p->filter_h * p->filter_w) - p->filter_h * p->filter_w);
    core.filter = core.x + core.plane; /* two planes */
    core.output_step = p->input_c;
    core.zero_point = p->output_zero_point;
    core.min = p->activation_min;
    core.max = p->activation_max;
    const int32_t last_y = (p->output_h - 1) / p->tile_rows * p->tile_rows;
    const int32_t last_x = (p->output_w - 1) / p->tile_pixels * p->tile_pixels;
    for (int32_t y = 0; y <= last_y; y += p->tile_rows) {
        for (int32_t x = 0; x <= last_x; x += p->tile_pixels) {
            tile(p, &core, input, output, p->reverse ? last_y - y : y, p->reverse ? last_x - x : x);
        }
    }
}
