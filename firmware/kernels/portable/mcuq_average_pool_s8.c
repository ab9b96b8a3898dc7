#include "mcuq_average_pool_s8.h"

#include "mcuq_fixedpoint.h"
#include "mcuq_window.h"

enum { TILE = 4 }; /* channels whose sums stay in registers */

/* total / count, rounded half away from zero. */
static int32_t divide(int32_t total, int32_t count) {
    return (total > 0 ? total + count / 2 : total - count / 2) / count;
}

/* Sums of TILE neighbouring channels over `rows` by `columns` pixels; x is the first. */
static void tile_sums(const mcuq_average_pool_s8_params *p, const int8_t *x, int32_t rows, int32_t columns,
                      int32_t *total) {
    int32_t a = 0, b = 0, c = 0, d = 0;
    for (int32_t i = 0; i < rows; i++) {
        for (int32_t j = 0; j < columns; j++) {
            const int8_t *const pixel = x + (i * p->input_w + j) * p->channels;
            a += pixel[0];
            b += pixel[1];
            c += pixel[2];
            d += pixel[3];
        }
    }
    total[0] = a, total[1] = b, total[2] = c, total[3] = d;
}

/* The sum of one channel. */
static int32_t one_sum(const mcuq_average_pool_s8_params *p, const int8_t *x, int32_t rows, int32_t columns) {
    int32_t total = 0;
    for (int32_t i = 0; i < rows; i++) {
        for (int32_t j = 0; j < columns; j++) {
            total += x[(i * p->input_w + j) * p->channels];
        }
    }
    return total;
}

/* One row of the output: (output_w, channels). */
static void row(const mcuq_average_pool_s8_params *p, const int8_t *input, int32_t y, int8_t *output) {
    const int32_t y0 = y * p->stride_h - p->pad_top;
    const mcuq_span inside_h = mcuq_span_inside(y0, p->filter_h, 1, p->input_h);
    const int32_t rows = inside_h.end - inside_h.first;
    for (int32_t x = 0; x < p->output_w; x++) {
        const int32_t x0 = x * p->stride_w - p->pad_left;
        const mcuq_span inside_w = mcuq_span_inside(x0, p->filter_w, 1, p->input_w);
        const int32_t columns = inside_w.end - inside_w.first;
        const int8_t *const corner = input + ((y0 + inside_h.first) * p->input_w + x0 + inside_w.first) * p->channels;
        for (int32_t c = 0, count; c < p->channels; c += count) {
            count = p->channels - c < TILE ? 1 : TILE;
            int32_t total[TILE];
            if (count == TILE) {
                tile_sums(p, corner + c, rows, columns, total);
            } else {
                total[0] = one_sum(p, corner + c, rows, columns);
            }
            for (int32_t k = 0; k < count; k++) {
                *output++ = mcuq_clamp_s8(divide(total[k], rows * columns), p->activation_min, p->activation_max);
            }
        }
    }
}

void mcuq_average_pool_s8(const mcuq_average_pool_s8_params *params, const int8_t *input, int8_t *output,
                          void *scratch) {
    (void)scratch;
    for (int32_t i = 0; i < params->output_h; i++) {
        const int32_t y = params->reverse ? params->output_h - 1 - i : i;
        row(params, input, y, output + y * params->output_w * params->channels);
    }
}
