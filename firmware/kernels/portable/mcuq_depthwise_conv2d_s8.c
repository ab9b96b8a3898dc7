#include "mcuq_depthwise_conv2d_s8.h"

#include "mcuq_fixedpoint.h"
#include "mcuq_window.h"

enum { TILE = 16 }; /* output channels whose accumulators are kept at hand */

/* Where a window lies: its origin in the image, and its taps inside. */
typedef struct {
    int32_t y0;
    int32_t x0;
    mcuq_span rows;
    mcuq_span columns;
} window;

/* One tap of `count` neighbouring output channels, one input channel each. */
static void add_tap(const int8_t *x, const int8_t *w, int32_t zero_point, int32_t count, int32_t *acc) {
    for (int32_t k = 0; k < count; k++) {
        acc[k] += (x[k] - zero_point) * w[k];
    }
}

/* The same with several output channels per input channel, the first of them `phase` outputs into its own. */
static void add_tap_repeated(const int8_t *x, const int8_t *w, int32_t zero_point, int32_t count, int32_t *acc,
                             int32_t channel_multiplier, int32_t phase) {
    for (int32_t k = 0; k < count; k++) {
        acc[k] += (*x - zero_point) * w[k];
        if (++phase == channel_multiplier) {
            phase = 0;
            x++;
        }
    }
}

/* All taps of `count` neighbouring output channels. */
static void accumulate(const mcuq_depthwise_conv2d_s8_params *p, const int8_t *input, const window *at, int32_t channel,
                       int32_t count, int32_t *acc) {
    const int32_t source = channel / p->channel_multiplier;
    const int32_t phase = channel % p->channel_multiplier;
    for (int32_t i = at->rows.first; i < at->rows.end; i++) {
        for (int32_t j = at->columns.first; j < at->columns.end; j++) {
            const int32_t pixel = (at->y0 + i * p->dilation_h) * p->input_w + at->x0 + j * p->dilation_w;
            const int8_t *const x = input + pixel * p->input_c + source;
            const int8_t *const w = p->weights + (i * p->filter_w + j) * p->input_c * p->channel_multiplier + channel;
            if (p->channel_multiplier == 1) {
                add_tap(x, w, p->input_zero_point, count, acc);
            } else {
                add_tap_repeated(x, w, p->input_zero_point, count, acc, p->channel_multiplier, phase);
            }
        }
    }
}

/* One row of the output: (output_w, output_c). */
static void row(const mcuq_depthwise_conv2d_s8_params *p, const int8_t *input, int32_t y, int8_t *output) {
    const int32_t output_c = p->input_c * p->channel_multiplier;
    window at;
    at.y0 = y * p->stride_h - p->pad_top;
    at.rows = mcuq_span_inside(at.y0, p->filter_h, p->dilation_h, p->input_h);
    for (int32_t x = 0; x < p->output_w; x++) {
        at.x0 = x * p->stride_w - p->pad_left;
        at.columns = mcuq_span_inside(at.x0, p->filter_w, p->dilation_w, p->input_w);
        for (int32_t c = 0; c < output_c; c += TILE) {
            const int32_t count = output_c - c < TILE ? output_c - c : TILE;
            int32_t acc[TILE];
            for (int32_t k = 0; k < count; k++) {
                acc[k] = p->bias[c + k];
            }
            accumulate(p, input, &at, c, count, acc);
            for (int32_t k = 0; k < count; k++) {
                const int32_t q = (c + k) * p->per_channel;
                const int32_t scaled = mcuq_requantize(acc[k], p->multiplier[q], p->shift[q]);
                *output++ = mcuq_clamp_s8(scaled + p->output_zero_point, p->activation_min, p->activation_max);
            }
        }
    }
}

void mcuq_depthwise_conv2d_s8(const mcuq_depthwise_conv2d_s8_params *params, const int8_t *input, int8_t *output,
                              void *scratch) {
    const int32_t row_bytes = params->output_w * params->input_c * params->channel_multiplier;
    (void)scratch;
    for (int32_t i = 0; i < params->output_h; i++) {
        const int32_t y = params->reverse ? params->output_h - 1 - i : i;
        row(params, input, y, output + y * row_bytes);
    }
}
