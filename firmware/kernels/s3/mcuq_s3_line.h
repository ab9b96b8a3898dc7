/* A line of a byte, 16 elements at a time. Assembly on an ESP32-S3, C elsewhere. */
#ifndef MCUQ_S3_LINE_H
#define MCUQ_S3_LINE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* (256 * A * x + addend) >> (24 + shift), limited, of blocks of 16 bytes; addresses are multiples of 16.
 *
 * constants: four vectors of int16, as mcuq_s3_sum.h says, B being 0; then vectors of bytes: the least and the largest
 * output, and which bits are turned over in the input before, and in the output afterwards. */
void mcuq_s3_line(const int8_t *x, int8_t *output, int32_t blocks, const int16_t *constants, int32_t shift);

#ifdef __cplusplus
}
#endif

#endif
