#include "mcuq_compare_s8.h"

#include "mcuq_fixedpoint.h"

static int8_t compare(const mcuq_compare_s8_params *p, int8_t a, int8_t b) {
    const int32_t wide_a = (a - p->zero_point_a) * (1 << p->left_shift);
    const int32_t wide_b = (b - p->zero_point_b) * (1 << p->left_shift);
    const int32_t scaled_a = mcuq_requantize(wide_a, p->multiplier_a, p->shift_a);
    const int32_t scaled_b = mcuq_requantize(wide_b, p->multiplier_b, p->shift_b);
    const int32_t sign = (scaled_a > scaled_b) - (scaled_a < scaled_b);
    switch (p->relation) {
    case 0:
        return sign == 0;
    case 1:
        return sign != 0;
    case 2:
        return sign < 0;
    case 3:
        return sign <= 0;
    case 4:
        return sign > 0;
    default:
        return sign >= 0;
    }
}

void mcuq_compare_s8(const mcuq_compare_s8_params *params, const int8_t *a, const int8_t *b, int8_t *output,
                     void *scratch) {
    const mcuq_compare_s8_params *const p = params;
    (void)scratch;
    for (int32_t i = 0; i < p->shape[0]; i++) {
        for (int32_t j = 0; j < p->shape[1]; j++) {
            for (int32_t k = 0; k < p->shape[2]; k++) {
                const int8_t *const row_a = a + i * p->strides_a[0] + j * p->strides_a[1] + k * p->strides_a[2];
                const int8_t *const row_b = b + i * p->strides_b[0] + j * p->strides_b[1] + k * p->strides_b[2];
                for (int32_t l = 0; l < p->shape[3]; l++) {
                    *output++ = compare(p, row_a[l * p->strides_a[3]], row_b[l * p->strides_b[3]]);
                }
            }
        }
    }
}
