#include "mcuq_lookup_s8.h"

void mcuq_lookup_s8(const mcuq_lookup_s8_params *params, const void *input, void *output, void *scratch) {
    const uint8_t *const in = input;
    int8_t *const out = output;
    (void)scratch;
    for (int32_t i = 0; i < params->elements; i++) {
        out[i] = params->table[in[i]];
    }
}
