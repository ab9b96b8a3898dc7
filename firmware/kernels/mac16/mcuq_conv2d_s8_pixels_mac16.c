#include "mcuq_conv2d_s8_pixels_mac16.h"

#include "mcuq_mac16_channel.h"
#include "mcuq_mac16_vector.h"

/* Zero points, a multiple of four of them; returns what mcuq_mac16_in_fours does. */
static int32_t padding(int32_t zero_point, int32_t count, int16_t *to) {
    int32_t sum = 0;
    for (int32_t k = 0; k < count; k += 4) {
        sum += mcuq_mac16_four(zero_point, zero_point, zero_point, zero_point, to + k);
    }
    return 128 * sum;
}

/* The window whose first row and column are y0 and x0; returns what is to be added to every bias. */
static int32_t window(const mcuq_conv2d_s8_pixels_mac16_params *p, const int8_t *input, int32_t y0, int32_t x0,
                      int16_t *to) {
    const int32_t row = p->filter_w * p->input_c;
    const int32_t left = x0 < 0 ? -x0 : 0;
    const int32_t end = p->input_w - x0 < p->filter_w ? p->input_w - x0 : p->filter_w;
    int32_t addition = 0;
    for (int32_t i = 0; i < p->filter_h; i++, to += row) {
        const int32_t y = y0 + i * p->dilation_h;
        if (y < 0 || y >= p->input_h || left >= end) {
            addition += padding(p->input_zero_point, row, to);
            continue;
        }
        const int8_t *const from = input + (y * p->input_w + x0 + left) * p->input_c;
        addition += padding(p->input_zero_point, left * p->input_c, to);
        addition += mcuq_mac16_in_fours(from, (end - left) * p->input_c, to + left * p->input_c);
        addition += padding(p->input_zero_point, (p->filter_w - end) * p->input_c, to + end * p->input_c);
    }
    return addition;
}

void mcuq_conv2d_s8_pixels_mac16(const mcuq_conv2d_s8_pixels_mac16_params *params, const int8_t *input, int8_t *output,
                                 void *scratch) {
    const mcuq_conv2d_s8_pixels_mac16_params *const p = params;
    const int32_t pixels = p->output_h * p->output_w;
    mcuq_mac16_vector vector = {0};
    vector.weights = p->weights;
    vector.bias = p->bias;
    vector.multiplier = p->multiplier;
    vector.per_channel = p->per_channel;
    vector.channels = p->output_c;
    vector.taps = p->filter_h * p->filter_w * p->input_c;
    vector.x = scratch;
    vector.zero_point = p->output_zero_point;
    vector.min = p->activation_min;
    vector.max = p->activation_max;
    for (int32_t i = 0; i < pixels; i++) {
        const int32_t at = p->reverse ? pixels - 1 - i : i;
        const int32_t y = at / p->output_w;
        const int32_t x = at - y * p->output_w;
        vector.addition = window(p, input, y * p->stride_h - p->pad_top, x * p->stride_w - p->pad_left, vector.x);
        vector.output = output + at * p->output_c;
        mcuq_mac16_vector_run(&vector);
    }
}
