/* Dot products of a pixel with all filters. Assembly on an ESP32-S3, C elsewhere. */
#ifndef MCUQ_S3_DOT_H
#define MCUQ_S3_DOT_H

#include <stdint.h>

#include "mcuq_s3_record.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The assembly knows the members by their place. Addresses and steps are multiples of 16. */
typedef struct {
    const int8_t *input;
    int8_t *output;        /* of one pixel behind the other */
    const int8_t *records; /* (groups) */
    int32_t taps;          /* a multiple of 16 */
    int32_t groups;
    int32_t pixels;
    int32_t input_step; /* bytes from pixel to pixel */
    int8_t *scratch;    /* MCUQ_S3_SCRATCH_BYTES, and (taps): a pixel is read before its outputs are written */
    const int8_t *constants;
} mcuq_s3_dot;

/* No record is of a long sum. */
void mcuq_s3_dot_all(const mcuq_s3_dot *dot);

#ifdef __cplusplus
}
#endif

#endif
