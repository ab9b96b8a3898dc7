/* What one group of 16 channels needs, as the ESP32-S3's cores read it: mcuq/kernels/s3/records.py. */
#ifndef MCUQ_S3_RECORD_H
#define MCUQ_S3_RECORD_H

#include <stdint.h>
#include <string.h>

#include "mcuq_s3_constants.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { MCUQ_S3_LANES = 16, MCUQ_S3_SCRATCH_BYTES = 64 };

/* In scratch, behind what the assembly puts there: two bytes, the least and the largest output. */
enum { MCUQ_S3_LIMITS_AT = 48 };

/* How sums leave their lanes. */
enum { MCUQ_S3_NARROW, MCUQ_S3_MIDDLE, MCUQ_S3_SIGNED, MCUQ_S3_WIDE, MCUQ_S3_LONG };

/* Where outputs are limited within int8. */
static inline void mcuq_s3_set_limits(int8_t *scratch, int32_t least, int32_t largest) {
    scratch[MCUQ_S3_LIMITS_AT] = (int8_t)least;
    scratch[MCUQ_S3_LIMITS_AT + 1] = (int8_t)largest;
}

/* The word of a record that holds a shift and the form. */
static inline uint32_t mcuq_s3_word(const int8_t *record) {
    uint32_t word;
    memcpy(&word, record + 40, sizeof word);
    return word;
}

static inline int32_t mcuq_s3_form(const int8_t *record) {
    int32_t form = 0;
    for (uint32_t bits = mcuq_s3_word(record) >> 8 & 15; bits; bits >>= 1) {
        form++;
    }
    return form;
}

static inline int32_t mcuq_s3_is_limited(const int8_t *record) {
    return (int32_t)(mcuq_s3_word(record) >> 12 & 1);
}

/* Bytes in front of the weights. */
static inline int32_t mcuq_s3_head_bytes(int32_t form) {
    return form == MCUQ_S3_LONG ? 64 : 48;
}

/* Vectors behind the weights, for eight channels. */
static inline int32_t mcuq_s3_vectors(int32_t form) {
    return form == MCUQ_S3_LONG ? 8 : form == MCUQ_S3_SIGNED || form == MCUQ_S3_WIDE ? 6 : 4;
}

/* Bytes of a record. */
static inline int32_t mcuq_s3_record_bytes(const int8_t *record, int32_t taps) {
    const int32_t form = mcuq_s3_form(record);
    return mcuq_s3_head_bytes(form) + MCUQ_S3_LANES * taps + 2 * MCUQ_S3_LANES * mcuq_s3_vectors(form);
}

#ifdef __cplusplus
}
#endif

#endif
