#include "mcuq_pad_s8.h"

#include <string.h>

/* Whether position i of the output's dimension d holds a value of the input. */
static int is_inside(const mcuq_pad_s8_params *p, int32_t d, int32_t i) {
    return i >= p->before[d] && i < p->before[d] + p->input_shape[d];
}

/* One row of the output: (output_shape[2], output_shape[3]); input is its row, or NULL if it lies in the padding. */
static void row(const mcuq_pad_s8_params *p, const int8_t *input, int8_t *output) {
    const size_t bytes = (size_t)p->input_shape[3];
    for (int32_t x = 0; x < p->output_shape[2]; x++, output += p->output_shape[3]) {
        memset(output, p->value, (size_t)p->output_shape[3]);
        if (input && is_inside(p, 2, x)) {
            memcpy(output + p->before[3], input, bytes);
            input += bytes;
        }
    }
}

void mcuq_pad_s8(const mcuq_pad_s8_params *params, const int8_t *input, int8_t *output, void *scratch) {
    const mcuq_pad_s8_params *const p = params;
    (void)scratch;
    for (int32_t i = 0; i < p->output_shape[0]; i++) {
        for (int32_t y = 0; y < p->output_shape[1]; y++) {
            const int inside = is_inside(p, 0, i) && is_inside(p, 1, y);
            row(p, inside ? input : NULL, output);
            input += inside ? p->input_shape[2] * p->input_shape[3] : 0;
            output += p->output_shape[2] * p->output_shape[3];
        }
    }
}
