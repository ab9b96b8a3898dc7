#include "mcuq_select_s8.h"

static int32_t row(const int32_t *strides, int32_t i, int32_t j, int32_t k) {
    return i * strides[0] + j * strides[1] + k * strides[2];
}

void mcuq_select_s8(const mcuq_select_s8_params *params, const int8_t *condition, const int8_t *a, const int8_t *b,
                    int8_t *output, void *scratch) {
    const mcuq_select_s8_params *const p = params;
    (void)scratch;
    for (int32_t i = 0; i < p->shape[0]; i++) {
        for (int32_t j = 0; j < p->shape[1]; j++) {
            for (int32_t k = 0; k < p->shape[2]; k++) {
                const int8_t *const row_condition = condition + row(p->strides_condition, i, j, k);
                const int8_t *const row_a = a + row(p->strides_a, i, j, k);
                const int8_t *const row_b = b + row(p->strides_b, i, j, k);
                for (int32_t l = 0; l < p->shape[3]; l++) {
                    const int32_t is_true = row_condition[l * p->strides_condition[3]] != p->zero_point;
                    *output++ = is_true ? row_a[l * p->strides_a[3]] : row_b[l * p->strides_b[3]];
                }
            }
        }
    }
}
