#include "mcuq_resize_bilinear_s8.h"

#include "mcuq_fixedpoint.h"

enum { BITS = 10, ONE = 1 << BITS };

/* A position between two pixels: the first, how far the second lies from it (0 on the pixel), and their weights. */
typedef struct {
    int32_t pixel;
    int32_t step;
    int32_t first;
    int32_t second;
} place;

static place place_of(int32_t position, int32_t size) {
    const int32_t last = (size - 1) * ONE;
    const int32_t inside = position < 0 ? 0 : position > last ? last : position;
    const int32_t fraction = inside & (ONE - 1);
    const place result = {inside >> BITS, fraction > 0, ONE - fraction, fraction};
    return result;
}

/* One pixel of the output: (channels). Neighbours lie `below` and `right` bytes from the first pixel. */
static void pixel(const int8_t *input, int32_t channels, place y, int32_t below, place x, int32_t right,
                  int8_t *output) {
    for (int32_t c = 0; c < channels; c++) {
        const int32_t upper = input[c] * x.first + input[c + right] * x.second;
        const int32_t lower = input[c + below] * x.first + input[c + below + right] * x.second;
        output[c] = (int8_t)mcuq_shift_right(upper * y.first + lower * y.second, 2 * BITS);
    }
}

void mcuq_resize_bilinear_s8(const mcuq_resize_bilinear_s8_params *params, const int8_t *input, int8_t *output,
                             void *scratch) {
    const mcuq_resize_bilinear_s8_params *const p = params;
    const int32_t row_bytes = p->input_w * p->channels;
    (void)scratch;
    for (int32_t i = 0; i < p->output_h; i++) {
        const place y = place_of(i * p->scale_h + p->offset_h, p->input_h);
        for (int32_t j = 0; j < p->output_w; j++) {
            const place x = place_of(j * p->scale_w + p->offset_w, p->input_w);
            const int8_t *const first = input + y.pixel * row_bytes + x.pixel * p->channels;
            pixel(first, p->channels, y, y.step * row_bytes, x, x.step * p->channels, output);
            output += p->channels;
        }
    }
}
