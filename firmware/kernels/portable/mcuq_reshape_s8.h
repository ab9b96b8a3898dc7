/* A copy under another shape, int8 or uint8. Meaning: mcuq/ops/reshape.py. */
#ifndef MCUQ_RESHAPE_S8_H
#define MCUQ_RESHAPE_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t elements;
} mcuq_reshape_s8_params;

/* input (elements), output (elements), not overlapping; scratch unused. */
void mcuq_reshape_s8(const mcuq_reshape_s8_params *params, const void *input, void *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
