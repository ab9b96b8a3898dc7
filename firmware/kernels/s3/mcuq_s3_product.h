/* Products of two tensors, 16 elements at a time. Assembly on an ESP32-S3, C elsewhere. */
#ifndef MCUQ_S3_PRODUCT_H
#define MCUQ_S3_PRODUCT_H

#include <stdint.h>

#include "mcuq_s3_record.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The assembly knows the members by their place. */
typedef struct {
    const int8_t *record; /* without weights */
    const int8_t *halves; /* (16), at a multiple of 16: two factors of a, then two of b */
    int8_t *scratch;      /* MCUQ_S3_SCRATCH_BYTES, with limits */
    const int8_t *constants;
} mcuq_s3_factors;

/* a * b + (halves[0] + halves[1]) * a + (halves[2] + halves[3]) * b, requantized, of blocks of 16 bytes; addresses are
 * multiples of 16. */
void mcuq_s3_product(const mcuq_s3_factors *factors, const int8_t *a, const int8_t *b, int8_t *output, int32_t blocks);

#ifdef __cplusplus
}
#endif

#endif
