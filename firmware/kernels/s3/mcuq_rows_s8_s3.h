/* Some of the rows of a tensor for the ESP32-S3's vector unit, bytes of any type. Meaning: mcuq/kernels/s3/rows.py. */
#ifndef MCUQ_ROWS_S8_S3_H
#define MCUQ_ROWS_S8_S3_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t offset;
    int32_t bytes;
} mcuq_rows_s8_s3_params;

/* input (offset + bytes), output (bytes), at multiples of 16, which may be the same memory. */
void mcuq_rows_s8_s3(const mcuq_rows_s8_s3_params *params, const void *input, void *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
