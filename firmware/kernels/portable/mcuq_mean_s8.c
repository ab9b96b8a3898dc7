#include "mcuq_mean_s8.h"

#include "mcuq_fixedpoint.h"

/* Sum over the reduced dimensions, from the first value of one output. */
static int32_t accumulate(const mcuq_mean_s8_params *p, const int8_t *input) {
    int32_t acc = 0;
    for (int32_t i = 0; i < p->shape[1]; i++) {
        for (int32_t j = 0; j < p->shape[3]; j++) {
            acc += input[j] - p->input_zero_point;
        }
        input += p->shape[2] * p->shape[3];
    }
    return acc;
}

void mcuq_mean_s8(const mcuq_mean_s8_params *params, const int8_t *input, int8_t *output, void *scratch) {
    const mcuq_mean_s8_params *const p = params;
    (void)scratch;
    for (int32_t i = 0; i < p->shape[0]; i++) {
        for (int32_t j = 0; j < p->shape[2]; j++) {
            const int32_t acc = accumulate(p, input + (i * p->shape[1] * p->shape[2] + j) * p->shape[3]);
            const int32_t scaled = mcuq_requantize(acc, p->output_multiplier, p->output_shift);
            *output++ = mcuq_clamp_s8(scaled + p->output_zero_point, p->activation_min, p->activation_max);
        }
    }
}
