#include "mcuq_extremum_s8.h"

static int8_t extremum(const mcuq_extremum_s8_params *p, int8_t a, int8_t b) {
    return (a > b) == (p->largest != 0) ? a : b;
}

void mcuq_extremum_s8(const mcuq_extremum_s8_params *params, const int8_t *a, const int8_t *b, int8_t *output,
                      void *scratch) {
    const mcuq_extremum_s8_params *const p = params;
    (void)scratch;
    for (int32_t i = 0; i < p->shape[0]; i++) {
        for (int32_t j = 0; j < p->shape[1]; j++) {
            for (int32_t k = 0; k < p->shape[2]; k++) {
                const int8_t *const row_a = a + i * p->strides_a[0] + j * p->strides_a[1] + k * p->strides_a[2];
                const int8_t *const row_b = b + i * p->strides_b[0] + j * p->strides_b[1] + k * p->strides_b[2];
                for (int32_t l = 0; l < p->shape[3]; l++) {
                    *output++ = extremum(p, row_a[l * p->strides_a[3]], row_b[l * p->strides_b[3]]);
                }
            }
        }
    }
}
