/* The cores' requantize where there is no vector unit: records taken apart. */
#ifndef MCUQ_S3_FLOOR_H
#define MCUQ_S3_FLOOR_H

#include <stdint.h>
#include <string.h>

#include "mcuq_s3_record.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where a lane's sum starts: 20 bits of two packed halves. */
static inline int32_t mcuq_s3_start(const int8_t *record, int32_t lane) {
    const uint8_t *const bytes = (const uint8_t *)record;
    const int32_t half = lane / 8;
    uint32_t value = 0;
    for (int32_t i = 0; i < 20; i++) {
        const int32_t bit = 20 * (lane % 8) + i;
        const int32_t at = bit < 128 ? 16 * half + bit / 8 : 32 + 4 * half + (bit - 128) / 8;
        value |= (uint32_t)(bytes[at] >> bit % 8 & 1) << i;
    }
    return (int32_t)value - (int32_t)((value >> 19) << 20);
}

static inline int32_t mcuq_s3_half(const int8_t *vectors, int32_t vector, int32_t lane) {
    int16_t value;
    memcpy(&value, vectors + 16 * vector + 2 * (lane % 8), sizeof value);
    return value;
}

/* (sum * factor + addend) >> shift, limited to int8: what the core does with a finished sum. */
static inline int8_t mcuq_s3_floor(const int8_t *record, int32_t taps, int32_t wide, int32_t lane, int32_t sum) {
    const int32_t count = wide ? 6 : 4;
    const int8_t *const vectors = record + 48 + MCUQ_S3_LANES * taps + 16 * count * (lane / 8);
    const int64_t factor = mcuq_s3_half(vectors, 0, lane) + (int64_t)mcuq_s3_half(vectors, wide ? 4 : 3, lane) * 65536;
    const int64_t addend = mcuq_s3_half(vectors, 2, lane) + (int64_t)mcuq_s3_half(vectors, wide ? 3 : 1, lane) * 65536;
    int32_t shift;
    memcpy(&shift, record + 40, sizeof shift);
    const int64_t divisor = (int64_t)1 << (shift + 24);
    const int64_t value = sum * factor + addend;
    const int64_t quotient = value / divisor - (value % divisor < 0);
    return (int8_t)(quotient > 127 ? 127 : quotient < -128 ? -128 : quotient);
}

#ifdef __cplusplus
}
#endif

#endif
