#include "mcuq_gather_s8.h"

#include <string.h>

void mcuq_gather_s8(const mcuq_gather_s8_params *params, const int8_t *input, int8_t *output, void *scratch) {
    const mcuq_gather_s8_params *const p = params;
    (void)scratch;
    for (int32_t i = 0; i < p->outer; i++) {
        for (int32_t k = 0; k < p->count; k++) {
            memcpy(output, input + p->indices[k] * p->inner, (size_t)p->inner);
            output += p->inner;
        }
        input += p->depth * p->inner;
    }
}
