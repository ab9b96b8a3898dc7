/* What one group of 16 channels needs, as the ESP32-S3's cores read it: mcuq/kernels/s3/records.py. */
#ifndef MCUQ_S3_RECORD_H
#define MCUQ_S3_RECORD_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { MCUQ_S3_LANES = 16, MCUQ_S3_SCRATCH_BYTES = 64 };

/* Bytes of a record. */
static inline int32_t mcuq_s3_record_bytes(int32_t taps, int32_t wide) {
    return 48 + MCUQ_S3_LANES * taps + 2 * MCUQ_S3_LANES * (wide ? 6 : 4);
}

#ifdef __cplusplus
}
#endif

#endif
