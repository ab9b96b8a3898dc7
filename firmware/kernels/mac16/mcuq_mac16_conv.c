#include "mcuq_mac16_conv.h"

#include "mcuq_mac16_widen.h"

static void fill(const mcuq_conv2d_s8_mac16_params *p, int32_t count, int16_t *to) {
    for (int32_t k = 0; k < count; k++) {
        to[k] = (int16_t)(MCUQ_MAC16_TOP - p->input_zero_point);
    }
}

/* What a column is filled up with stays what it is. */
static void fill_columns(const mcuq_conv2d_s8_mac16_params *p, int32_t columns, int16_t *to) {
    for (int32_t j = 0; j < columns; j++, to += p->column) {
        fill(p, p->filter_h * p->input_c, to);
    }
}

/* `columns` pixels of a row of the image, `step` pixels apart, to one row of as many columns. */
static void image_row(const mcuq_conv2d_s8_mac16_params *p, const int8_t *from, int32_t columns, int32_t step,
                      int16_t *to) {
    const int32_t depth = p->input_c;
    const int32_t from_skip = (step - 1) * depth;
    const int32_t to_skip = 2 * (p->column - depth);
    if (depth % 4 != 0) {
        mcuq_mac16_widen(from, depth, columns, to, from_skip, to_skip);
    } else if (from_skip == 0 && to_skip == 0) {
        mcuq_mac16_widen_fours(from, columns * depth / 4, 1, to, 0, 0);
    } else {
        mcuq_mac16_widen_fours(from, depth / 4, columns, to, from_skip, to_skip);
    }
}

static int32_t at_most(int32_t value, int32_t limit) {
    return value < limit ? value : limit;
}

/* Columns of windows whose first row is y0: those of the image from x0 on, `step` pixels apart; zero points outside. */
static void strip(const mcuq_conv2d_s8_mac16_params *p, const int8_t *input, int32_t y0, int32_t x0, int32_t columns,
                  int32_t step, int16_t *to) {
    int32_t left = 0;
    while (left < columns && x0 + left * step < 0) {
        left++;
    }
    int32_t inside = columns - left;
    while (inside > 0 && x0 + (left + inside - 1) * step >= p->input_w) {
        inside--;
    }
    fill_columns(p, left, to);
    fill_columns(p, columns - left - inside, to + (left + inside) * p->column);
    to += left * p->column;
    for (int32_t i = 0; inside > 0 && i < p->filter_h; i++, to += p->input_c) {
        const int32_t y = y0 + i * p->dilation_h;
        if (y >= 0 && y < p->input_h) {
            image_row(p, input + (y * p->input_w + x0 + left * step) * p->input_c, inside, step, to);
        } else {
            for (int32_t j = 0; j < inside; j++) {
                fill(p, p->input_c, to + j * p->column);
            }
        }
    }
}

/* The columns that the windows of `pixels` neighbouring outputs see, from (y0, x0) on; those that they share once. */
static void columns_of(const mcuq_conv2d_s8_mac16_params *p, const int8_t *input, int32_t y0, int32_t x0,
                       int32_t pixels, int16_t *to) {
    if (p->filter_w == 1) {
        strip(p, input, y0, x0, pixels, p->stride_w, to);
    } else if (p->stride_w <= p->filter_w) {
        strip(p, input, y0, x0, (pixels - 1) * p->stride_w + p->filter_w, 1, to);
    } else {
        for (int32_t i = 0; i < pixels; i++) {
            strip(p, input, y0, x0 + i * p->stride_w, p->filter_w, 1, to + i * p->filter_w * p->column);
        }
    }
}

void mcuq_mac16_conv_begin(const mcuq_conv2d_s8_mac16_params *params, void *scratch, mcuq_mac16_dot *dot) {
    const mcuq_conv2d_s8_mac16_params *const p = params;
    const int32_t step = at_most(p->stride_w, p->filter_w); /* columns from pixel to pixel */
    const int32_t row_values = ((p->tile_pixels - 1) * step + p->filter_w) * p->column;
    dot->weights = p->weights;
    dot->bias = p->bias;
    dot->multiplier = p->multiplier;
    dot->per_channel = p->per_channel;
    dot->channels = p->output_c;
    dot->taps = p->taps;
    dot->x = scratch;
    dot->filter = dot->x + p->tile_rows * row_values + p->taps - p->filter_w * p->column; /* x with what fills it up */
    dot->step = 2 * step * p->column;
    dot->row_step = 2 * row_values;
    dot->output_step = p->output_c;
    dot->zero_point = p->output_zero_point;
    dot->min = p->activation_min;
    dot->max = p->activation_max;
}

void mcuq_mac16_conv_tile(const mcuq_conv2d_s8_mac16_params *params, const int8_t *input, int8_t *output, int32_t y,
                          int32_t x, mcuq_mac16_dot *dot) {
    const mcuq_conv2d_s8_mac16_params *const p = params;
    dot->rows = at_most(p->output_h - y, p->tile_rows);
    dot->pixels = at_most(p->output_w - x, p->tile_pixels);
    for (int32_t row = 0; row < dot->rows; row++) {
        columns_of(p, input, (y + row) * p->stride_h - p->pad_top, x * p->stride_w - p->pad_left, dot->pixels,
                   dot->x + row * dot->row_step / 2);
    }
    dot->output = output + (y * p->output_w + x) * p->output_c;
}
