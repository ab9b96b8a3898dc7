#include "mcuq_mul_s8_s3.h"

#include "mcuq_s3_elements.h"
#include "mcuq_s3_product.h"

static void products(const void *params, const int8_t *a, const int8_t *b, int8_t *output, int32_t blocks) {
    mcuq_s3_product(params, a, b, output, blocks);
}

void mcuq_mul_s8_s3(const mcuq_mul_s8_s3_params *params, const int8_t *a, const int8_t *b, int8_t *output,
                    void *scratch) {
    const mcuq_mul_s8_s3_params *const p = params;
    int8_t *const core = (int8_t *)scratch + (p->direct < p->elements ? 2 * MCUQ_S3_PIECE : 0);
    const mcuq_s3_factors factors = {p->record, p->halves, core, mcuq_s3_constants};
    mcuq_s3_elements row = {a, b, output, p->elements, p->direct, scratch};
    mcuq_s3_set_limits(core, p->activation_min, p->activation_max);
    for (int32_t i = 0; i < p->rows; i++, row.a += p->elements, row.output += p->elements) {
        mcuq_s3_each(&row, products, &factors);
    }
}
