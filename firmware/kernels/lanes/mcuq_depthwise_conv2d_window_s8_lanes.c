#include "mcuq_depthwise_conv2d_window_s8_lanes.h"

#include "mcuq_tuned.h"

enum { BLOCK = 8 }; /* channels whose sums have registers */

/* Accumulators of eight channels: a function by itself, so that registers hold nothing else. */
MCUQ_APART void accumulate(const mcuq_depthwise_conv2d_window_s8_lanes_params *p, const int8_t *x, int32_t channel,
                           int32_t *acc) {
    const int32_t *const bias = p->bias + channel;
    const int32_t step = p->column_step, channels = p->channels;
    const int32_t width = p->columns * step, back = p->row_step - width;
    const int8_t *w = p->weights + channel;
    const int8_t *const last = w + p->rows * p->columns * channels;
    int32_t a = bias[0], b = bias[1], c = bias[2], d = bias[3], e = bias[4], f = bias[5], g = bias[6], h = bias[7];
    for (; w != last; x += back) {
        for (const int8_t *const end = x + width; x != end; x += step, w += channels) {
            a += x[0] * w[0];
            b += x[1] * w[1];
            c += x[2] * w[2];
            d += x[3] * w[3];
            e += x[4] * w[4];
            f += x[5] * w[5];
            g += x[6] * w[6];
            h += x[7] * w[7];
        }
    }
    acc[0] = a, acc[1] = b, acc[2] = c, acc[3] = d, acc[4] = e, acc[5] = f, acc[6] = g, acc[7] = h;
}

/* Accumulator of one channel. */
static int32_t accumulate_one(const mcuq_depthwise_conv2d_window_s8_lanes_params *p, const int8_t *x, int32_t channel) {
    const int8_t *w = p->weights + channel;
    int32_t acc = p->bias[channel];
    for (int32_t i = 0; i < p->rows; i++) {
        for (int32_t j = 0; j < p->columns; j++, w += p->channels) {
            acc += x[i * p->row_step + j * p->column_step] * *w;
        }
    }
    return acc;
}

void mcuq_depthwise_conv2d_window_s8_lanes(const mcuq_depthwise_conv2d_window_s8_lanes_params *params,
                                           const int8_t *input, int8_t *output, void *scratch) {
    const mcuq_depthwise_conv2d_window_s8_lanes_params *const p = params;
    const mcuq_scales scales = {p->output_zero_point, p->per_channel, p->multiplier, p->shift};
    int32_t channel = 0;
    (void)scratch;
    for (; channel + BLOCK <= p->channels; channel += BLOCK) {
        int32_t acc[BLOCK];
        accumulate(p, input + channel, channel, acc);
        for (int32_t k = 0; k < BLOCK; k++) {
            output[channel + k] = mcuq_scaled(acc[k], mcuq_scale_of(&scales, channel + k));
        }
    }
    for (; channel < p->channels; channel++) {
        const int32_t acc = accumulate_one(p, input + channel, channel);
        output[channel] = mcuq_scaled(acc, mcuq_scale_of(&scales, channel));
    }
    mcuq_limit(output, p->channels, p->activation_min, p->activation_max);
}
