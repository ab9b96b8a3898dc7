#include "mcuq_s3_product.h"

#include "mcuq_s3_floor.h"
#include "mcuq_s3_isa.h"

#if !MCUQ_S3

void mcuq_s3_product(const mcuq_s3_factors *factors, const int8_t *a, const int8_t *b, int8_t *output, int32_t blocks) {
    const int8_t *const halves = factors->halves;
    const int32_t start = mcuq_s3_start(factors->record, 0); /* of every lane */
    for (int32_t i = 0; i < MCUQ_S3_LANES * blocks; i++) {
        const int32_t sum = start + a[i] * b[i] + (halves[0] + halves[1]) * a[i] + (halves[2] + halves[3]) * b[i];
        output[i] = mcuq_s3_floor(factors->record, 0, i % MCUQ_S3_LANES, sum, factors->scratch);
    }
}

#else

typedef int mcuq_s3_product_is_assembly; /* a file must not be empty */

#endif
