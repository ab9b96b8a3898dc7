#include "mcuq_max_pool_s8.h"

#include "mcuq_fixedpoint.h"
#include "mcuq_window.h"

/* Largest values per channel over `rows` by `columns` pixels; x is the first. */
static void find_largest(const mcuq_max_pool_s8_params *p, const int8_t *x, int32_t rows, int32_t columns,
                         int8_t *largest) {
    for (int32_t k = 0; k < p->channels; k++) {
        largest[k] = x[k];
    }
    for (int32_t i = 0; i < rows; i++) {
        for (int32_t j = 0; j < columns; j++) {
            const int8_t *const pixel = x + (i * p->input_w + j) * p->channels;
            for (int32_t k = 0; k < p->channels; k++) {
                largest[k] = pixel[k] > largest[k] ? pixel[k] : largest[k];
            }
        }
    }
}

/* One row of the output: (output_w, channels). */
static void row(const mcuq_max_pool_s8_params *p, const int8_t *input, int32_t y, int8_t *output) {
    const int32_t y0 = y * p->stride_h - p->pad_top;
    const mcuq_span rows = mcuq_span_inside(y0, p->filter_h, 1, p->input_h);
    for (int32_t x = 0; x < p->output_w; x++, output += p->channels) {
        const int32_t x0 = x * p->stride_w - p->pad_left;
        const mcuq_span columns = mcuq_span_inside(x0, p->filter_w, 1, p->input_w);
        const int8_t *const corner = input + ((y0 + rows.first) * p->input_w + x0 + columns.first) * p->channels;
        find_largest(p, corner, rows.end - rows.first, columns.end - columns.first, output);
        for (int32_t k = 0; k < p->channels; k++) {
            output[k] = mcuq_clamp_s8(output[k], p->activation_min, p->activation_max);
        }
    }
}

void mcuq_max_pool_s8(const mcuq_max_pool_s8_params *params, const int8_t *input, int8_t *output, void *scratch) {
    (void)scratch;
    for (int32_t i = 0; i < params->output_h; i++) {
        const int32_t y = params->reverse ? params->output_h - 1 - i : i;
        row(params, input, y, output + y * params->output_w * params->channels);
    }
}
