#include "mcuq_s3_sum.h"

#include "mcuq_s3_isa.h"

#if !MCUQ_S3

#include "mcuq_s3_weights.h"

void mcuq_s3_sum(const int8_t *a, const int8_t *b, int8_t *output, int32_t blocks, const int16_t *constants,
                 int32_t shift) {
    for (int32_t i = 0; i < 16 * blocks; i++) {
        output[i] = mcuq_s3_weighted(constants, shift, a[i], b[i]);
    }
}

#else

typedef int mcuq_s3_sum_is_assembly; /* a file must not be empty */

#endif
