#include "mcuq_floor_division_s8.h"

#include "mcuq_fixedpoint.h"

/* By 0: a quotient at the limit, a rest of 0. */
static int32_t divide(const mcuq_floor_division_s8_params *p, int32_t a, int32_t b) {
    if (b == 0) {
        return p->result == 0 ? p->limit * ((a > 0) - (a < 0)) : 0;
    }
    const int32_t rest = a % b;
    const int32_t is_lower = p->result < 2 && rest != 0 && (rest < 0) != (b < 0);
    return p->result == 0 ? a / b - is_lower : rest + is_lower * b;
}

static int8_t element(const mcuq_floor_division_s8_params *p, int8_t a, int8_t b) {
    const int32_t found = divide(p, (a - p->zero_point_a) * p->factor_a, (b - p->zero_point_b) * p->factor_b);
    const int32_t limited = found > p->limit ? p->limit : found < -p->limit ? -p->limit : found;
    const int32_t scaled =
        mcuq_requantize(limited * (INT32_C(1) << p->left_shift), p->output_multiplier, p->output_shift);
    return mcuq_clamp_s8(scaled + p->output_zero_point, p->activation_min, p->activation_max);
}

void mcuq_floor_division_s8(const mcuq_floor_division_s8_params *params, const int8_t *a, const int8_t *b,
                            int8_t *output, void *scratch) {
    const mcuq_floor_division_s8_params *const p = params;
    (void)scratch;
    for (int32_t i = 0; i < p->shape[0]; i++) {
        for (int32_t j = 0; j < p->shape[1]; j++) {
            for (int32_t k = 0; k < p->shape[2]; k++) {
                const int8_t *const row_a = a + i * p->strides_a[0] + j * p->strides_a[1] + k * p->strides_a[2];
                const int8_t *const row_b = b + i * p->strides_b[0] + j * p->strides_b[1] + k * p->strides_b[2];
                for (int32_t l = 0; l < p->shape[3]; l++) {
                    *output++ = element(p, row_a[l * p->strides_a[3]], row_b[l * p->strides_b[3]]);
                }
            }
        }
    }
}
