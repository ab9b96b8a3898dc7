/* Softmax over the last dimension, int8. Meaning: mcuq/ops/softmax.py. */
#ifndef MCUQ_SOFTMAX_S8_H
#define MCUQ_SOFTMAX_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t rows;
    int32_t depth;
    const int32_t *exponentials; /* (256), Q0: exp(-beta * scale * d) at d = max - x */
} mcuq_softmax_s8_params;

/* input (rows, depth), output (rows, depth), 1/256 per step from -128; scratch unused. */
void mcuq_softmax_s8(const mcuq_softmax_s8_params *params, const int8_t *input, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
