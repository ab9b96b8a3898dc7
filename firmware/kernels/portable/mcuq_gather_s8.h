/* Rows at constant places along a dimension, int8. Meaning: mcuq/ops/gather.py. */
#ifndef MCUQ_GATHER_S8_H
#define MCUQ_GATHER_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t outer;
    int32_t depth;          /* rows of the input */
    int32_t count;          /* of the output */
    int32_t inner;          /* bytes of a row */
    const int32_t *indices; /* (count) */
} mcuq_gather_s8_params;

/* input (outer, depth, inner), output (outer, count, inner); scratch unused. */
void mcuq_gather_s8(const mcuq_gather_s8_params *params, const int8_t *input, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
