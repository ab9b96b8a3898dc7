/* Concatenation along one dimension, int8. Meaning: mcuq/ops/concatenation.py. */
#ifndef MCUQ_CONCATENATION_S8_H
#define MCUQ_CONCATENATION_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t inputs;
    int32_t rows;
    int32_t row_bytes;          /* of the output */
    const int32_t *chunk_bytes; /* (inputs) */
} mcuq_concatenation_s8_params;

/* inputs[i] (rows, chunk_bytes[i]), output (rows, row_bytes); scratch unused. */
void mcuq_concatenation_s8(const mcuq_concatenation_s8_params *params, const int8_t *const *inputs, int8_t *output,
                           void *scratch);

#ifdef __cplusplus
}
#endif

#endif
