#include "mcuq_fully_connected_s8.h"

#include "mcuq_fixedpoint.h"

static int32_t accumulate(const int8_t *x, const int8_t *w, int32_t zero_point, int32_t count, int32_t bias) {
    int32_t acc = bias;
    for (int32_t k = 0; k < count; k++) {
        acc += (x[k] - zero_point) * w[k];
    }
    return acc;
}

void mcuq_fully_connected_s8(const mcuq_fully_connected_s8_params *params, const int8_t *input, int8_t *output,
                             void *scratch) {
    const mcuq_fully_connected_s8_params *const p = params;
    (void)scratch;
    for (int32_t i = 0; i < p->batch; i++) {
        const int32_t b = p->reverse ? p->batch - 1 - i : i;
        const int8_t *const x = input + b * p->input_c;
        int8_t *const y = output + b * p->output_c;
        for (int32_t c = 0; c < p->output_c; c++) {
            const int8_t *const w = p->weights + c * p->input_c;
            const int32_t acc = accumulate(x, w, p->input_zero_point, p->input_c, p->bias[c]);
            const int32_t q = c * p->per_channel;
            const int32_t scaled = mcuq_requantize(acc, p->multiplier[q], p->shift[q]);
            y[c] = mcuq_clamp_s8(scaled + p->output_zero_point, p->activation_min, p->activation_max);
        }
    }
}
