/* Another scale, zero point and number of bytes for the same real values. Meaning: mcuq/ops/requantize.py. */
#ifndef MCUQ_REQUANTIZE_S16_H
#define MCUQ_REQUANTIZE_S16_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t elements;
    int32_t input_bytes; /* of an element: 1 or 2 */
    int32_t output_bytes;
    int32_t multiplier;
    int32_t shift;
    int32_t input_zero_point;
    int32_t output_zero_point;
} mcuq_requantize_s16_params;

/* input (elements), output (elements): int8_t or int16_t; scratch: none. */
void mcuq_requantize_s16(const mcuq_requantize_s16_params *params, const void *input, void *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
