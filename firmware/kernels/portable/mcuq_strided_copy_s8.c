#include "mcuq_strided_copy_s8.h"

#include <string.h>

/* One row: (shape[3]). The output may lie in the input, each byte at or before its source. */
static int8_t *row(const mcuq_strided_copy_s8_params *p, const int8_t *input, int8_t *output) {
    const int32_t stride = p->strides[3];
    if (stride == 1) {
        memmove(output, input, (size_t)p->shape[3]);
    } else {
        for (int32_t i = 0; i < p->shape[3]; i++) {
            output[i] = input[i * stride];
        }
    }
    return output + p->shape[3];
}

void mcuq_strided_copy_s8(const mcuq_strided_copy_s8_params *params, const void *input, void *output, void *scratch) {
    const mcuq_strided_copy_s8_params *const p = params;
    const int8_t *const start = (const int8_t *)input + p->offset;
    int8_t *out = output;
    (void)scratch;
    for (int32_t i = 0; i < p->shape[0]; i++) {
        for (int32_t j = 0; j < p->shape[1]; j++) {
            for (int32_t k = 0; k < p->shape[2]; k++) {
                out = row(p, start + i * p->strides[0] + j * p->strides[1] + k * p->strides[2], out);
            }
        }
    }
}
