#include "mcuq_rows_s8_s3.h"

#include "mcuq_s3_bytes.h"

void mcuq_rows_s8_s3(const mcuq_rows_s8_s3_params *params, const void *input, void *output, void *scratch) {
    (void)scratch;
    mcuq_s3_copy(output, (const int8_t *)input + params->offset, params->bytes);
}
