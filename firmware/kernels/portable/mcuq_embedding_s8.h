/* Rows of a table by computed indices, int8. Meaning: mcuq/ops/embedding.py. */
#ifndef MCUQ_EMBEDDING_S8_H
#define MCUQ_EMBEDDING_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t count; /* of indices */
    int32_t rows;
    int32_t row_bytes;
    int32_t zero_point; /* of the indices */
    int32_t multiplier; /* what makes them whole numbers */
    int32_t shift;
    const int8_t *table; /* (rows, row_bytes) */
} mcuq_embedding_s8_params;

/* input (count), output (count, row_bytes); scratch unused. */
void mcuq_embedding_s8(const mcuq_embedding_s8_params *params, const int8_t *input, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
