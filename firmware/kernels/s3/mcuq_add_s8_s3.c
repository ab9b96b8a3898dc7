#include "mcuq_add_s8_s3.h"

#include "mcuq_s3_sum.h"

void mcuq_add_s8_s3(const mcuq_add_s8_s3_params *params, const int8_t *a, const int8_t *b, int8_t *output,
                    void *scratch) {
    (void)scratch;
    mcuq_s3_sum(a, b, output, params->elements / 16, params->constants, params->shift);
}
