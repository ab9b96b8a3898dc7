#include "mcuq_cumsum_s8.h"

#include "mcuq_fixedpoint.h"

static void column(const mcuq_cumsum_s8_params *p, const int8_t *input, int8_t *output) {
    const int32_t step = p->reverse ? -p->inner : p->inner;
    int32_t place = p->reverse ? (p->depth - 1) * p->inner : 0;
    int32_t sum = p->first;
    for (int32_t k = 0; k < p->depth; k++, place += step) {
        const int32_t before = sum;
        sum += input[place] - p->input_zero_point;
        const int32_t wide = (p->exclusive ? before : sum) * (INT32_C(1) << p->left_shift);
        const int32_t scaled = mcuq_requantize(wide, p->output_multiplier, p->output_shift);
        output[place] = mcuq_clamp_s8(scaled + p->output_zero_point, p->activation_min, p->activation_max);
    }
}

void mcuq_cumsum_s8(const mcuq_cumsum_s8_params *params, const int8_t *input, int8_t *output, void *scratch) {
    const mcuq_cumsum_s8_params *const p = params;
    (void)scratch;
    for (int32_t i = 0; i < p->outer; i++) {
        for (int32_t j = 0; j < p->inner; j++) {
            const int32_t first = i * p->depth * p->inner + j;
            column(p, input + first, output + first);
        }
    }
}
