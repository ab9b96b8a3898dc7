#include "mcuq_s3_sum.h"

#include "mcuq_s3_isa.h"

#if !MCUQ_S3

static int64_t joined(int16_t low, int16_t high) {
    return low + (int64_t)high * 65536;
}

void mcuq_s3_sum(const int8_t *a, const int8_t *b, int8_t *output, int32_t blocks, const int16_t *constants,
                 int32_t shift) {
    const int64_t factor_a = joined(constants[0], constants[2]);
    const int64_t factor_b = joined(constants[1], constants[3]);
    const int64_t addend = joined(constants[24], constants[8]) - constants[16] * ((int64_t)1 << 31);
    const int64_t divisor = (int64_t)1 << (24 + shift);
    for (int32_t i = 0; i < 16 * blocks; i++) {
        const int64_t value = 256 * (factor_a * a[i] + factor_b * b[i]) + addend;
        const int64_t quotient = value / divisor - (value % divisor < 0);
        output[i] = (int8_t)(quotient > 127 ? 127 : quotient < -128 ? -128 : quotient);
    }
}

#else

typedef int mcuq_s3_sum_is_assembly; /* a file must not be empty */

#endif
