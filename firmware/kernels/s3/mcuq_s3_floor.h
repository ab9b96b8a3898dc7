/* The cores' requantize where there is no vector unit: records taken apart. */
#ifndef MCUQ_S3_FLOOR_H
#define MCUQ_S3_FLOOR_H

#include <stdint.h>
#include <string.h>

#include "mcuq_s3_record.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where a lane's sum starts: 20 bits of two packed halves, and of a long sum its counter. */
static inline int32_t mcuq_s3_start(const int8_t *record, int32_t lane) {
    const uint8_t *const bytes = (const uint8_t *)record;
    const int32_t half = lane / 8;
    uint32_t value = 0;
    for (int32_t i = 0; i < 20; i++) {
        const int32_t bit = 20 * (lane % 8) + i;
        const int32_t at = bit < 128 ? 16 * half + bit / 8 : 32 + 4 * half + (bit - 128) / 8;
        value |= (uint32_t)(bytes[at] >> bit % 8 & 1) << i;
    }
    const int32_t counter = mcuq_s3_form(record) == MCUQ_S3_LONG ? record[48 + lane] * 32768 : 0;
    return (int32_t)value - (int32_t)((value >> 19) << 20) + counter;
}

/* One lane's weights, 16 apart. */
static inline const int8_t *mcuq_s3_weights(const int8_t *record, int32_t lane) {
    return record + mcuq_s3_head_bytes(mcuq_s3_form(record)) + lane;
}

/* One lane's weight of few bits, from where its first one is: mcuq_s3_packed.h. */
static inline int32_t mcuq_s3_few_bits(const int8_t *packed, int32_t tap, int32_t bits) {
    const int32_t first = tap * bits;
    const int32_t stored = (uint8_t)packed[first / 8 * MCUQ_S3_LANES] >> first % 8 & ((1 << bits) - 1);
    return bits == 1 ? 2 * stored - 1 : stored - (1 << (bits - 1));
}

static inline int64_t mcuq_s3_half(const int8_t *vectors, int32_t vector, int32_t lane) {
    int16_t value;
    memcpy(&value, vectors + 16 * vector + 2 * (lane % 8), sizeof value);
    return value;
}

/* (sum * factor + addend) >> shift, limited to int8, and within it: what the core does with a finished sum; negative
 * ones of the forms that round by the sign lose the kink before. */
static inline int8_t mcuq_s3_floor(const int8_t *record, int32_t taps, int32_t lane, int32_t sum,
                                   const int8_t *scratch) {
    static const int32_t upper_factor[] = {3, 3, 5, 4, 6};
    const int32_t form = mcuq_s3_form(record);
    const int32_t part = mcuq_s3_vectors(form) * (lane / 8);
    const int8_t *const vectors = record + mcuq_s3_head_bytes(form) + MCUQ_S3_LANES * taps + 16 * part;
    const int64_t factor = mcuq_s3_half(vectors, 0, lane) + mcuq_s3_half(vectors, upper_factor[form], lane) * 65536;
    const int64_t added = mcuq_s3_half(vectors, form < MCUQ_S3_WIDE ? 1 : 3, lane);
    int64_t value = sum * factor + mcuq_s3_half(vectors, 2, lane) + added * 65536;
    if (form == MCUQ_S3_LONG || form == MCUQ_S3_SIGNED) {
        const int32_t top = form == MCUQ_S3_LONG ? 4 : 3;
        value -= mcuq_s3_half(vectors, top, lane) * 32768 * 65536;
        value -= sum < 0 ? mcuq_s3_half(vectors, top + 1, lane) * 65536 : 0;
    }
    const int64_t divisor = (int64_t)1 << ((mcuq_s3_word(record) & 63) + 24);
    const int64_t quotient = value / divisor - (value % divisor < 0);
    const int32_t least = mcuq_s3_is_limited(record) ? scratch[MCUQ_S3_LIMITS_AT] : -128;
    const int32_t largest = mcuq_s3_is_limited(record) ? scratch[MCUQ_S3_LIMITS_AT + 1] : 127;
    return (int8_t)(quotient > largest ? largest : quotient < least ? least : quotient);
}

#ifdef __cplusplus
}
#endif

#endif
