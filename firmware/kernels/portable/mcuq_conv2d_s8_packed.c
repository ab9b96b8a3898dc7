#include "mcuq_conv2d_s8_packed.h"

#include "mcuq_fixedpoint.h"
#include "mcuq_packed.h"
#include "mcuq_window.h"

/* Where a window lies: its origin in the image, and its taps inside. */
typedef struct {
    int32_t y0;
    int32_t x0;
    mcuq_span rows;
    mcuq_span columns;
} window;

/* Neighbouring weights times inputs that lie `step` bytes apart. */
static int32_t dot(const int8_t *x, int32_t step, int32_t zero_point, const int8_t *w, int32_t count) {
    int32_t acc = 0;
    for (const int8_t *const end = w + count; w != end; w++) {
        acc += (*x - zero_point) * *w;
        x += step;
    }
    return acc;
}

/* One output value; a row of the window is one run of weights where its inputs lie evenly. */
static int32_t accumulate(const mcuq_conv2d_s8_packed_params *p, const int8_t *x, const window *at, int32_t depth,
                          const int8_t *filter) {
    const int32_t zero_point = p->input_zero_point;
    const int32_t columns = at->columns.end - at->columns.first;
    const int32_t across = p->dilation_w * p->input_c;
    int32_t acc = 0;
    for (int32_t i = at->rows.first; i < at->rows.end; i++) {
        const int32_t pixel = (at->y0 + i * p->dilation_h) * p->input_w + at->x0 + at->columns.first * p->dilation_w;
        const int8_t *from = x + pixel * p->input_c;
        const int8_t *w = filter + (i * p->filter_w + at->columns.first) * depth;
        if (across == depth) {
            acc += dot(from, 1, zero_point, w, columns * depth);
        } else if (depth == 1) {
            acc += dot(from, across, zero_point, w, columns);
        } else {
            for (int32_t j = 0; j < columns; j++, from += across, w += depth) {
                acc += dot(from, 1, zero_point, w, depth);
            }
        }
    }
    return acc;
}

/* One channel of one row of the output: every output_c-th byte. */
static void channel_row(const mcuq_conv2d_s8_packed_params *p, const int8_t *input, int32_t y, int32_t channel,
                        const int8_t *filter, int8_t *output) {
    const int32_t depth = p->input_c / p->groups;
    const int8_t *const x = input + channel / (p->output_c / p->groups) * depth;
    const int32_t q = channel * p->per_channel;
    window at;
    at.y0 = y * p->stride_h - p->pad_top;
    at.rows = mcuq_span_inside(at.y0, p->filter_h, p->dilation_h, p->input_h);
    for (int32_t i = 0; i < p->output_w; i++) {
        at.x0 = i * p->stride_w - p->pad_left;
        at.columns = mcuq_span_inside(at.x0, p->filter_w, p->dilation_w, p->input_w);
        const int32_t acc = p->bias[channel] + accumulate(p, x, &at, depth, filter);
        const int32_t scaled = mcuq_requantize(acc, p->multiplier[q], p->shift[q]);
        output[i * p->output_c] = mcuq_clamp_s8(scaled + p->output_zero_point, p->activation_min, p->activation_max);
    }
}

void mcuq_conv2d_s8_packed(const mcuq_conv2d_s8_packed_params *params, const int8_t *input, int8_t *output,
                           void *scratch) {
    const mcuq_conv2d_s8_packed_params *const p = params;
    const int32_t taps = p->filter_h * p->filter_w * (p->input_c / p->groups);
    const int32_t bytes = mcuq_packed_bytes(taps, p->bits);
    int8_t *const filter = scratch;
    for (int32_t i = 0; i < p->output_h; i++) {
        const int32_t y = p->reverse ? p->output_h - 1 - i : i;
        for (int32_t c = 0; c < p->output_c; c++) {
            const int8_t *const levels = p->levels + ((int32_t)p->codebook[c * p->per_group] << p->bits);
            mcuq_unpack(p->weights + c * bytes, p->bits, levels, taps, filter);
            channel_row(p, input, y, c, filter, output + y * p->output_w * p->output_c + c);
        }
    }
}
