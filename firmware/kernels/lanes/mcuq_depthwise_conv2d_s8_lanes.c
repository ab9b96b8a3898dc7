#include "mcuq_depthwise_conv2d_s8_lanes.h"

#include "mcuq_tuned.h"
#include "mcuq_window.h"

enum { TILE = 4 };

/* Where a window begins in the image; it may lie partly outside. */
typedef struct {
    int32_t y;
    int32_t x;
} place;

/* Taps outside the image see its zero point. */
static int32_t add_outside(const mcuq_depthwise_conv2d_s8_lanes_params *p, const int8_t *w, int32_t count,
                           int32_t acc) {
    const int8_t *const end = w + count;
    while (w != end) {
        acc += p->input_zero_point * *w++;
    }
    return acc;
}

/* One channel of one window, whose taps `rows` and `columns` lie inside the image. */
static int32_t accumulate(const mcuq_depthwise_conv2d_s8_lanes_params *p, const int8_t *input, place at, mcuq_span rows,
                          mcuq_span columns, int32_t channel) {
    const int32_t width = p->filter_w, step = p->dilation_w * p->channels;
    const int8_t *w = p->weights + channel * p->filter_h * width;
    int32_t acc = add_outside(p, w, rows.first * width, p->bias[channel]);
    acc = add_outside(p, w + rows.end * width, (p->filter_h - rows.end) * width, acc);
    w += rows.first * width;
    for (int32_t i = rows.first; i < rows.end; i++, w += width) {
        acc = add_outside(p, w, columns.first, acc);
        acc = add_outside(p, w + columns.end, width - columns.end, acc);
        const int32_t pixel = (at.y + i * p->dilation_h) * p->input_w + at.x + columns.first * p->dilation_w;
        const int8_t *x = input + pixel * p->channels + channel;
        for (int32_t j = columns.first; j < columns.end; j++, x += step) {
            acc += *x * w[j];
        }
    }
    return acc;
}

/* One tap of four neighbouring outputs; the fourth's value is the next. */
#define TAP(x0, x1, x2, x3)                                                                                            \
    {                                                                                                                  \
        x3 = *x;                                                                                                       \
        x += step;                                                                                                     \
        a0 += x0 * *w;                                                                                                 \
        a1 += x1 * *w;                                                                                                 \
        a2 += x2 * *w;                                                                                                 \
        a3 += x3 * *w++;                                                                                               \
    }

/* One channel of four neighbouring windows with stride 1, all inside: a function by itself, so that registers hold
 * nothing else. */
MCUQ_APART void accumulate_four(const mcuq_depthwise_conv2d_s8_lanes_params *p, const int8_t *x, int32_t channel,
                                int32_t *acc) {
    const int32_t step = p->channels, columns = p->filter_w;
    const int32_t back = (p->dilation_h * p->input_w - columns - 3) * step; /* from a row's end to the next row */
    const int8_t *w = p->weights + channel * p->filter_h * columns;
    const int8_t *const last = w + p->filter_h * columns;
    int32_t a0 = p->bias[channel], a1 = a0, a2 = a0, a3 = a0;
    for (;;) {
        const int8_t *const end = w + columns;
        int32_t b = *x, c = *(x += step), d = *(x += step), e;
        x += step;
        while (end - w >= 4) {
            TAP(b, c, d, e)
            TAP(c, d, e, b)
            TAP(d, e, b, c)
            TAP(e, b, c, d)
        }
        while (w != end) {
            TAP(b, c, d, e)
            b = c, c = d, d = e;
        }
        if (w == last) {
            break;
        }
        x += back;
    }
    acc[0] = a0, acc[1] = a1, acc[2] = a2, acc[3] = a3;
}

static void four(const mcuq_depthwise_conv2d_s8_lanes_params *p, const int8_t *x, int8_t *out) {
    const mcuq_scales scales = {p->output_zero_point, p->per_channel, p->multiplier, p->shift};
    const int32_t step = p->channels;
    int8_t *o1 = out + step, *o2 = o1 + step, *o3 = o2 + step;
    for (int32_t channel = 0; channel < step; channel++) {
        int32_t acc[TILE];
        accumulate_four(p, x + channel, channel, acc);
        const mcuq_scale scale = mcuq_scale_of(&scales, channel);
        *out++ = mcuq_scaled(acc[0], scale);
        *o1++ = mcuq_scaled(acc[1], scale);
        *o2++ = mcuq_scaled(acc[2], scale);
        *o3++ = mcuq_scaled(acc[3], scale);
    }
}

/* Four neighbouring channels of one window, all inside; their weights lie `taps` bytes apart. */
MCUQ_APART void accumulate_channels(const mcuq_depthwise_conv2d_s8_lanes_params *p, const int8_t *x, int32_t channel,
                                    int32_t *acc) {
    const int32_t step = p->dilation_w * p->channels, columns = p->filter_w, taps = p->filter_h * columns;
    const int32_t back = p->dilation_h * p->input_w * p->channels - columns * step;
    const int8_t *w0 = p->weights + channel * taps, *w1 = w0 + taps, *w2 = w1 + taps, *w3 = w2 + taps;
    const int8_t *const last = w1;
    int32_t a = acc[0], b = acc[1], c = acc[2], d = acc[3];
    while (w0 != last) {
        for (const int8_t *const end = w0 + columns; w0 != end; x += step) {
            a += x[0] * *w0++;
            b += x[1] * *w1++;
            c += x[2] * *w2++;
            d += x[3] * *w3++;
        }
        x += back;
    }
    acc[0] = a, acc[1] = b, acc[2] = c, acc[3] = d;
}

/* One window that lies inside: its channels in fours, as far as they go. Returns the channels done. */
MCUQ_APART int32_t fours(const mcuq_depthwise_conv2d_s8_lanes_params *p, const int8_t *x, const mcuq_scales *scales,
                         int8_t *out) {
    const int32_t whole = p->channels / TILE * TILE;
    for (int32_t channel = 0; channel < whole; channel += TILE) {
        const int32_t *const bias = p->bias + channel;
        int32_t acc[TILE] = {bias[0], bias[1], bias[2], bias[3]};
        accumulate_channels(p, x + channel, channel, acc);
        const int32_t *a = acc;
        for (int32_t k = channel; k < channel + TILE; k++) {
            out[k] = mcuq_scaled(*a++, mcuq_scale_of(scales, k));
        }
    }
    return whole;
}

static void one(const mcuq_depthwise_conv2d_s8_lanes_params *p, const int8_t *input, place at, int8_t *out) {
    const mcuq_scales scales = {p->output_zero_point, p->per_channel, p->multiplier, p->shift};
    const mcuq_span rows = mcuq_span_inside(at.y, p->filter_h, p->dilation_h, p->input_h);
    const mcuq_span columns = mcuq_span_inside(at.x, p->filter_w, p->dilation_w, p->input_w);
    const int32_t is_inside = rows.end - rows.first == p->filter_h && columns.end - columns.first == p->filter_w;
    const int32_t done = is_inside ? fours(p, input + (at.y * p->input_w + at.x) * p->channels, &scales, out) : 0;
    for (int32_t channel = done; channel < p->channels; channel++) {
        const int32_t acc = accumulate(p, input, at, rows, columns, channel);
        out[channel] = mcuq_scaled(acc, mcuq_scale_of(&scales, channel));
    }
}

/* `count` neighbouring outputs of one row. */
static void tile(const mcuq_depthwise_conv2d_s8_lanes_params *p, const int8_t *input, place at, int32_t count,
                 int8_t *out) {
    const int32_t tall = (p->filter_h - 1) * p->dilation_h + 1;
    const int32_t inside =
        at.y >= 0 && at.x >= 0 && at.y + tall <= p->input_h && at.x + p->filter_w + TILE - 1 <= p->input_w;
    if (count == TILE && inside && p->stride_w == 1 && p->dilation_w == 1) {
        four(p, input + (at.y * p->input_w + at.x) * p->channels, out);
        return;
    }
    for (int32_t i = 0; i < count; i++) {
        one(p, input, at, out + i * p->channels);
        at.x += p->stride_w;
    }
}

void mcuq_depthwise_conv2d_s8_lanes(const mcuq_depthwise_conv2d_s8_lanes_params *params, const int8_t *input,
                                    int8_t *output, void *scratch) {
    const mcuq_depthwise_conv2d_s8_lanes_params *const p = params;
    const int32_t tiles = (p->output_w + TILE - 1) / TILE;
    (void)scratch;
    for (int32_t i = 0; i < p->output_h; i++) {
        const int32_t y = p->reverse ? p->output_h - 1 - i : i;
        for (int32_t j = 0; j < tiles; j++) {
            const int32_t x = TILE * (p->reverse ? tiles - 1 - j : j);
            const int32_t count = p->output_w - x < TILE ? p->output_w - x : TILE;
            const place at = {y * p->stride_h - p->pad_top, x * p->stride_w - p->pad_left};
            int8_t *const out = output + (y * p->output_w + x) * p->channels;
            tile(p, input, at, count, out);
            mcuq_limit(out, count * p->channels, p->activation_min, p->activation_max);
        }
    }
}
