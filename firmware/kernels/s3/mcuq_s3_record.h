/* What one group of 16 channels needs, as the ESP32-S3's cores read it: mcuq/kernels/s3/records.py. */
#ifndef MCUQ_S3_RECORD_H
#define MCUQ_S3_RECORD_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { MCUQ_S3_LANES = 16, MCUQ_S3_SCRATCH_BYTES = 64 };

/* How sums leave their lanes. */
enum { MCUQ_S3_NARROW, MCUQ_S3_WIDE, MCUQ_S3_LONG };

/* Bytes in front of the weights. */
static inline int32_t mcuq_s3_head_bytes(int32_t form) {
    return form == MCUQ_S3_LONG ? 64 : 48;
}

/* Vectors behind the weights, for eight channels. */
static inline int32_t mcuq_s3_vectors(int32_t form) {
    return 4 + 2 * form;
}

/* Bytes of a record. */
static inline int32_t mcuq_s3_record_bytes(int32_t taps, int32_t form) {
    return mcuq_s3_head_bytes(form) + MCUQ_S3_LANES * taps + 2 * MCUQ_S3_LANES * mcuq_s3_vectors(form);
}

#ifdef __cplusplus
}
#endif

#endif
