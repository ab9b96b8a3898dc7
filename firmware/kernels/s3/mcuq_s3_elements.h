/* Layers element by element, 16 at a time: what is no block of 16, or lies at any address, by way of the scratch. */
#ifndef MCUQ_S3_ELEMENTS_H
#define MCUQ_S3_ELEMENTS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { MCUQ_S3_PIECE = 256 }; /* bytes that are copied at once */

typedef struct {
    const int8_t *a;
    const int8_t *b; /* NULL where there is one operand */
    int8_t *output;
    int32_t elements;
    int32_t direct;  /* elements that lie at multiples of 16, a multiple of 16 themselves */
    int8_t *scratch; /* MCUQ_S3_PIECE per operand, if there are others */
} mcuq_s3_elements;

/* Blocks of 16 bytes, at multiples of 16; the output may be an operand. */
typedef void mcuq_s3_blocks(const void *params, const int8_t *a, const int8_t *b, int8_t *output, int32_t blocks);

void mcuq_s3_each(const mcuq_s3_elements *elements, mcuq_s3_blocks *compute, const void *params);

#ifdef __cplusplus
}
#endif

#endif
