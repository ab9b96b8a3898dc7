#include "mcuq_conv2d_s8_xnor.h"

#include "mcuq_bits.h"
#include "mcuq_fixedpoint.h"
#include "mcuq_window.h"

enum { WORD = 32 };

/* Where a window's taps inside the image are. */
typedef struct {
    const uint32_t *x;    /* of the packed image */
    const uint32_t *from; /* of the first filter */
    int32_t rows;
    int32_t columns;
} window;

/* The signs of a run of channels: 1 for negative ones, the first channel lowest. */
static uint32_t signs(const int8_t *x, int32_t count) {
    uint32_t word = 0;
    for (const int8_t *const end = x + count; x != end; x++) {
        word = (word >> 1) | ((uint32_t)*x & 0x80000000u);
    }
    return word >> (WORD - count);
}

static void pack(const int8_t *x, int32_t pixels, int32_t depth, uint32_t *out) {
    for (int32_t i = 0; i < pixels; i++) {
        for (int32_t left = depth; left > 0; left -= WORD) {
            const int32_t count = left < WORD ? left : WORD;
            *out++ = signs(x, count);
            x += count;
        }
    }
}

/* How many signs of a window differ from a filter's, `w` words behind the first filter's. */
static int32_t differing(const mcuq_conv2d_s8_xnor_params *p, const window *at, int32_t words, int32_t w) {
    const uint32_t *x = at->x, *filter = at->from + w;
    const int32_t down = p->dilation_h * p->input_w * words, across = p->dilation_w * words;
    int32_t count = 0;
    for (int32_t i = 0; i < at->rows; i++, x += down, filter += p->filter_w * words) {
        if (across == words) {
            count += mcuq_bits_that_differ(x, filter, at->columns * words);
        } else {
            for (int32_t j = 0; j < at->columns; j++) {
                count += mcuq_bits_that_differ(x + j * across, filter + j * words, words);
            }
        }
    }
    return count;
}

static window window_at(const mcuq_conv2d_s8_xnor_params *p, const uint32_t *x, int32_t words, int32_t y, int32_t i) {
    const int32_t y0 = y * p->stride_h - p->pad_top, x0 = i * p->stride_w - p->pad_left;
    const mcuq_span rows = mcuq_span_inside(y0, p->filter_h, p->dilation_h, p->input_h);
    const mcuq_span columns = mcuq_span_inside(x0, p->filter_w, p->dilation_w, p->input_w);
    const int32_t first_y = y0 + rows.first * p->dilation_h, first_x = x0 + columns.first * p->dilation_w;
    const window at = {
        .x = x + (first_y * p->input_w + first_x) * words,
        .from = (const uint32_t *)p->weights + (rows.first * p->filter_w + columns.first) * words,
        .rows = rows.end - rows.first,
        .columns = columns.end - columns.first,
    };
    return at;
}

/* All channels of one pixel. */
static void pixel(const mcuq_conv2d_s8_xnor_params *p, const window *at, int32_t words, int8_t *output) {
    const int32_t products = at->rows * at->columns * p->input_c;
    const int32_t filter = p->filter_h * p->filter_w * words;
    for (int32_t c = 0; c < p->output_c; c++) {
        const int32_t q = c * p->per_channel;
        const int32_t acc = p->bias[c] + products - 2 * differing(p, at, words, c * filter);
        const int32_t scaled = mcuq_requantize(acc, p->multiplier[q], p->shift[q]);
        output[c] = mcuq_clamp_s8(scaled + p->output_zero_point, p->activation_min, p->activation_max);
    }
}

void mcuq_conv2d_s8_xnor(const mcuq_conv2d_s8_xnor_params *params, const int8_t *input, int8_t *output, void *scratch) {
    const mcuq_conv2d_s8_xnor_params *const p = params;
    const int32_t words = (p->input_c + WORD - 1) / WORD;
    uint32_t *const packed = scratch;
    pack(input, p->input_h * p->input_w, p->input_c, packed);
    for (int32_t y = 0; y < p->output_h; y++) {
        for (int32_t i = 0; i < p->output_w; i++) {
            const window at = window_at(p, packed, words, y, i);
            pixel(p, &at, words, output + (y * p->output_w + i) * p->output_c);
        }
    }
}
