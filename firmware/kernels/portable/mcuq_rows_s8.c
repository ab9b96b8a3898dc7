#include "mcuq_rows_s8.h"

#include "mcuq_move.h"

void mcuq_rows_s8(const mcuq_rows_s8_params *params, const void *input, void *output, void *scratch) {
    (void)scratch;
    mcuq_move(output, (const int8_t *)input + params->offset, params->bytes);
}
