/* Padding with a constant, int8. Meaning: mcuq/ops/pad.py. */
#ifndef MCUQ_PAD_S8_H
#define MCUQ_PAD_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t input_shape[4]; /* outermost first */
    int32_t before[4];      /* elements added in front, per dimension */
    int32_t output_shape[4];
    int32_t value;
} mcuq_pad_s8_params;

/* input (input_shape), output (output_shape); scratch unused. */
void mcuq_pad_s8(const mcuq_pad_s8_params *params, const int8_t *input, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
