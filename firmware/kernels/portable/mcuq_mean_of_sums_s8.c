#include "mcuq_mean_of_sums_s8.h"

#include <string.h>

#include "mcuq_fixedpoint.h"

static int32_t mean(const mcuq_mean_of_sums_s8_params *p, int32_t sum) {
    if (p->divides) {
        return (sum > 0 ? sum + p->pixels / 2 : sum - p->pixels / 2) / p->pixels;
    }
    sum -= p->pixels * p->input_zero_point;
    return mcuq_requantize(sum, p->output_multiplier, p->output_shift) + p->output_zero_point;
}

void mcuq_mean_of_sums_s8(const mcuq_mean_of_sums_s8_params *params, const int8_t *sums, int8_t *output,
                          void *scratch) {
    (void)scratch;
    for (int32_t c = 0; c < params->channels; c++) {
        int32_t sum;
        memcpy(&sum, sums + (int32_t)sizeof sum * c, sizeof sum);
        output[c] = mcuq_clamp_s8(mean(params, sum), params->activation_min, params->activation_max);
    }
}
