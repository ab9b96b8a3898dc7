#include "mcuq_conv2d_s8.h"

#include "mcuq_fixedpoint.h"
#include "mcuq_window.h"

/* One output value: the window's rows and columns that lie inside the image are given by `span`. */
static int32_t accumulate(const mcuq_conv2d_s8_params *p, const int8_t *input, mcuq_span rows, mcuq_span columns,
                          int32_t y0, int32_t x0, int32_t channel) {
    const int32_t depth = p->input_c / p->groups;
    const int32_t group = channel / (p->output_c / p->groups);
    const int8_t *const filter = p->weights + channel * p->filter_h * p->filter_w * depth;
    int32_t acc = p->bias[channel];
    for (int32_t i = rows.first; i < rows.end; i++) {
        for (int32_t j = columns.first; j < columns.end; j++) {
            const int32_t pixel = (y0 + i * p->dilation_h) * p->input_w + x0 + j * p->dilation_w;
            const int8_t *const x = input + pixel * p->input_c + group * depth;
            const int8_t *const w = filter + (i * p->filter_w + j) * depth;
            for (int32_t k = 0; k < depth; k++) {
                acc += (x[k] - p->input_zero_point) * w[k];
            }
        }
    }
    return acc;
}

/* One row of the output: (output_w, output_c). */
static void row(const mcuq_conv2d_s8_params *p, const int8_t *input, int32_t y, int8_t *output) {
    const int32_t y0 = y * p->stride_h - p->pad_top;
    const mcuq_span rows = mcuq_span_inside(y0, p->filter_h, p->dilation_h, p->input_h);
    for (int32_t x = 0; x < p->output_w; x++) {
        const int32_t x0 = x * p->stride_w - p->pad_left;
        const mcuq_span columns = mcuq_span_inside(x0, p->filter_w, p->dilation_w, p->input_w);
        for (int32_t c = 0; c < p->output_c; c++) {
            const int32_t acc = accumulate(p, input, rows, columns, y0, x0, c);
            const int32_t q = c * p->per_channel;
            const int32_t scaled = mcuq_requantize(acc, p->multiplier[q], p->shift[q]);
            *output++ = mcuq_clamp_s8(scaled + p->output_zero_point, p->activation_min, p->activation_max);
        }
    }
}

void mcuq_conv2d_s8(const mcuq_conv2d_s8_params *params, const int8_t *input, int8_t *output, void *scratch) {
    (void)scratch;
    for (int32_t i = 0; i < params->output_h; i++) {
        const int32_t y = params->reverse ? params->output_h - 1 - i : i;
        row(params, input, y, output + y * params->output_w * params->output_c);
    }
}
