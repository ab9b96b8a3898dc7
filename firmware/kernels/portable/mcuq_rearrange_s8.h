/* Copy of six dimensions in another order, some of them repeated. Meaning: mcuq/ops/rearrangement.py. */
#ifndef MCUQ_REARRANGE_S8_H
#define MCUQ_REARRANGE_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t input_bytes;
    int32_t shape[6];   /* of the output, outermost first */
    int32_t strides[6]; /* in the input, in bytes; 0 repeats */
} mcuq_rearrange_s8_params;

/* input (input_bytes), output (shape); scratch unused. */
void mcuq_rearrange_s8(const mcuq_rearrange_s8_params *params, const int8_t *input, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
