#include "mcuq_embedding_s8.h"

#include <string.h>

#include "mcuq_fixedpoint.h"

#define LEFT_SHIFT 20 /* so that indices are rounded once */

void mcuq_embedding_s8(const mcuq_embedding_s8_params *params, const int8_t *input, int8_t *output, void *scratch) {
    const mcuq_embedding_s8_params *const p = params;
    (void)scratch;
    for (int32_t i = 0; i < p->count; i++) {
        const int32_t index = mcuq_requantize((input[i] - p->zero_point) * (1 << LEFT_SHIFT), p->multiplier, p->shift);
        const int32_t row = index < 0 ? 0 : index < p->rows ? index : p->rows - 1;
        memcpy(output, p->table + row * p->row_bytes, (size_t)p->row_bytes);
        output += p->row_bytes;
    }
}
