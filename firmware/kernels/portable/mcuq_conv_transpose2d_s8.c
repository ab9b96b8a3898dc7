#include "mcuq_conv_transpose2d_s8.h"

#include "mcuq_fixedpoint.h"

/* What reaches one output row or column: taps tap, tap + stride, ... from pixels pixel, pixel - 1, ... */
typedef struct {
    int32_t tap;
    int32_t pixel;
    int32_t count;
} reach;

/* Position counts from where tap 0 of pixel 0 falls. */
static reach reach_of(int32_t position, int32_t taps, int32_t stride, int32_t size) {
    reach r = {position % stride, position / stride, 0};
    if (r.pixel >= size) {
        r.tap += (r.pixel - size + 1) * stride;
        r.pixel = size - 1;
    }
    while (r.tap + r.count * stride < taps && r.count <= r.pixel) {
        r.count++;
    }
    return r;
}

/* One output value; the filter is (filter_h, filter_w, input_c). */
static int32_t accumulate(const mcuq_conv_transpose2d_s8_params *p, const int8_t *input, const int8_t *filter,
                          reach rows, reach columns, int32_t acc) {
    for (int32_t i = 0; i < rows.count; i++) {
        for (int32_t j = 0; j < columns.count; j++) {
            const int32_t tap = (rows.tap + i * p->stride_h) * p->filter_w + columns.tap + j * p->stride_w;
            const int8_t *const x = input + ((rows.pixel - i) * p->input_w + columns.pixel - j) * p->input_c;
            const int8_t *const w = filter + tap * p->input_c;
            for (int32_t k = 0; k < p->input_c; k++) {
                acc += (x[k] - p->input_zero_point) * w[k];
            }
        }
    }
    return acc;
}

/* One pixel of the output: (output_c). */
static void pixel(const mcuq_conv_transpose2d_s8_params *p, const int8_t *input, reach rows, reach columns,
                  int8_t *output) {
    const int32_t filter_bytes = p->filter_h * p->filter_w * p->input_c;
    for (int32_t c = 0; c < p->output_c; c++) {
        const int32_t acc = accumulate(p, input, p->weights + c * filter_bytes, rows, columns, p->bias[c]);
        const int32_t q = c * p->per_channel;
        const int32_t scaled = mcuq_requantize(acc, p->multiplier[q], p->shift[q]);
        output[c] = mcuq_clamp_s8(scaled + p->output_zero_point, p->activation_min, p->activation_max);
    }
}

void mcuq_conv_transpose2d_s8(const mcuq_conv_transpose2d_s8_params *params, const int8_t *input, int8_t *output,
                              void *scratch) {
    const mcuq_conv_transpose2d_s8_params *const p = params;
    (void)scratch;
    for (int32_t y = 0; y < p->output_h; y++) {
        const reach rows = reach_of(y + p->pad_top, p->filter_h, p->stride_h, p->input_h);
        for (int32_t x = 0; x < p->output_w; x++) {
            const reach columns = reach_of(x + p->pad_left, p->filter_w, p->stride_w, p->input_w);
            pixel(p, input, rows, columns, output);
            output += p->output_c;
        }
    }
}
