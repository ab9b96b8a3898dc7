/* Rectifier with a slope per channel, int8. Meaning: mcuq/ops/prelu.py. */
#ifndef MCUQ_PRELU_S8_H
#define MCUQ_PRELU_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t pixels;
    int32_t channels;
    int32_t input_zero_point;
    int32_t slope_zero_point;
    int32_t output_zero_point;
    int32_t positive_multiplier;
    int32_t positive_shift;
    int32_t negative_multiplier;
    int32_t negative_shift;
    int32_t activation_min;
    int32_t activation_max;
    const int8_t *slope; /* (channels) */
} mcuq_prelu_s8_params;

/* input (pixels, channels), output (pixels, channels); scratch unused. */
void mcuq_prelu_s8(const mcuq_prelu_s8_params *params, const int8_t *input, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
