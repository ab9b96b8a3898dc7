/* Bytes from one place to another. Assembly on an ESP32-S3, C elsewhere. */
#ifndef MCUQ_S3_BYTES_H
#define MCUQ_S3_BYTES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* From any address to a multiple of 16; where both overlap, to one in front. */
void mcuq_s3_copy(int8_t *to, const int8_t *from, int32_t bytes);

/* Blocks of 16 bytes of a value, at a multiple of 16. */
void mcuq_s3_fill(int8_t *to, int32_t value, int32_t blocks);

/* Pixels of so many bytes, each at a multiple of 16, to pixels beside each other at any address. Bytes in front of it,
 * in the same block of 16, are written as they are. The first block of `from` is lost. */
void mcuq_s3_pack(int8_t *to, int8_t *from, int32_t pixels, int32_t bytes);

#ifdef __cplusplus
}
#endif

#endif
