#include "mcuq_concatenation_s8.h"

#include <string.h>

void mcuq_concatenation_s8(const mcuq_concatenation_s8_params *params, const int8_t *const *inputs, int8_t *output,
                           void *scratch) {
    (void)scratch;
    for (int32_t i = 0; i < params->inputs; i++) {
        const int32_t bytes = params->chunk_bytes[i];
        for (int32_t j = 0; j < params->rows; j++) {
            memcpy(output + j * params->row_bytes, inputs[i] + j * bytes, (size_t)bytes);
        }
        output += bytes;
    }
}
