#include "mcuq_add_s8_s3.h"

#include "mcuq_s3_elements.h"
#include "mcuq_s3_sum.h"

static void sums(const void *params, const int8_t *a, const int8_t *b, int8_t *output, int32_t blocks) {
    const mcuq_add_s8_s3_params *const p = params;
    mcuq_s3_sum(a, b, output, blocks, p->constants, p->shift);
}

void mcuq_add_s8_s3(const mcuq_add_s8_s3_params *params, const int8_t *a, const int8_t *b, int8_t *output,
                    void *scratch) {
    const mcuq_s3_elements elements = {a, b, output, params->elements, params->direct, scratch};
    mcuq_s3_each(&elements, sums, params);
}
