#include "mcuq_rearrange_s8.h"

/* The inner three dimensions. */
static int8_t *inner(const mcuq_rearrange_s8_params *p, const int8_t *input, int8_t *output) {
    for (int32_t i = 0; i < p->shape[3]; i++) {
        for (int32_t j = 0; j < p->shape[4]; j++) {
            const int8_t *const row = input + i * p->strides[3] + j * p->strides[4];
            for (int32_t k = 0; k < p->shape[5]; k++) {
                *output++ = row[k * p->strides[5]];
            }
        }
    }
    return output;
}

void mcuq_rearrange_s8(const mcuq_rearrange_s8_params *params, const int8_t *input, int8_t *output, void *scratch) {
    const mcuq_rearrange_s8_params *const p = params;
    (void)scratch;
    for (int32_t i = 0; i < p->shape[0]; i++) {
        for (int32_t j = 0; j < p->shape[1]; j++) {
            for (int32_t k = 0; k < p->shape[2]; k++) {
                output = inner(p, input + i * p->strides[0] + j * p->strides[1] + k * p->strides[2], output);
            }
        }
    }
}
