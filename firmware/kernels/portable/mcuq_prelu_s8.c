#include "mcuq_prelu_s8.h"

#include "mcuq_fixedpoint.h"

static int8_t prelu(const mcuq_prelu_s8_params *p, int32_t x, int32_t slope) {
    const int32_t scaled = x >= 0 ? mcuq_requantize(x, p->positive_multiplier, p->positive_shift)
                                  : mcuq_requantize(x * slope, p->negative_multiplier, p->negative_shift);
    return mcuq_clamp_s8(scaled + p->output_zero_point, p->activation_min, p->activation_max);
}

void mcuq_prelu_s8(const mcuq_prelu_s8_params *params, const int8_t *input, int8_t *output, void *scratch) {
    const mcuq_prelu_s8_params *const p = params;
    (void)scratch;
    for (int32_t i = 0; i < p->pixels; i++) {
        for (int32_t c = 0; c < p->channels; c++) {
            *output++ = prelu(p, *input++ - p->input_zero_point, p->slope[c] - p->slope_zero_point);
        }
    }
}
