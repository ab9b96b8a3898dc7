#include "mcuq_reduce_extremum_s8.h"

static int8_t extremum(const mcuq_reduce_extremum_s8_params *p, const int8_t *input) {
    int8_t found = input[0];
    for (int32_t i = 0; i < p->shape[1]; i++) {
        for (int32_t j = 0; j < p->shape[3]; j++) {
            found = (input[j] > found) == (p->largest != 0) ? input[j] : found;
        }
        input += p->shape[2] * p->shape[3];
    }
    return found;
}

void mcuq_reduce_extremum_s8(const mcuq_reduce_extremum_s8_params *params, const int8_t *input, int8_t *output,
                             void *scratch) {
    const mcuq_reduce_extremum_s8_params *const p = params;
    (void)scratch;
    for (int32_t i = 0; i < p->shape[0]; i++) {
        for (int32_t j = 0; j < p->shape[2]; j++) {
            *output++ = extremum(p, input + (i * p->shape[1] * p->shape[2] + j) * p->shape[3]);
        }
    }
}
