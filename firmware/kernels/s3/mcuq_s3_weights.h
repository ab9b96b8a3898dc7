/* Weighted sums where there is no vector unit. */
#ifndef MCUQ_S3_WEIGHTS_H
#define MCUQ_S3_WEIGHTS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

static inline int64_t mcuq_s3_joined(int16_t low, int16_t high) {
    return low + (int64_t)high * 65536;
}

/* (256 * (A * a + B * b) + addend) >> (24 + shift), limited to int8; constants: mcuq_s3_sum.h. */
static inline int8_t mcuq_s3_weighted(const int16_t *constants, int32_t shift, int8_t a, int8_t b) {
    const int64_t factor_a = mcuq_s3_joined(constants[0], constants[2]);
    const int64_t factor_b = mcuq_s3_joined(constants[1], constants[3]);
    const int64_t addend = mcuq_s3_joined(constants[24], constants[8]) - constants[16] * ((int64_t)1 << 31);
    const int64_t divisor = (int64_t)1 << (24 + shift);
    const int64_t value = 256 * (factor_a * a + factor_b * b) + addend;
    const int64_t quotient = value / divisor - (value % divisor < 0);
    return (int8_t)(quotient > 127 ? 127 : quotient < -128 ? -128 : quotient);
}

#ifdef __cplusplus
}
#endif

#endif
