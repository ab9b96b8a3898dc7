/* Sums of two tensors, 16 elements at a time. Assembly on an ESP32-S3, C elsewhere. */
#ifndef MCUQ_S3_SUM_H
#define MCUQ_S3_SUM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* (256 * (A * a + B * b) + addend) >> (24 + shift), limited to int8, of blocks of 16 bytes; addresses are multiples
 * of 16.
 *
 * constants: four vectors of int16: lower halves of A and B, upper halves, 1, -32768, 0, 0; bits 16 to 30 of the
 * addend; what is above them, negated; the lowest 16. Lower halves are signed; upper ones make up for that. */
void mcuq_s3_sum(const int8_t *a, const int8_t *b, int8_t *output, int32_t blocks, const int16_t *constants,
                 int32_t shift);

#ifdef __cplusplus
}
#endif

#endif
