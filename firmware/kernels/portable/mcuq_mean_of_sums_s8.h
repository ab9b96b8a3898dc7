/* Means of sums over pixels, int8. Meaning: mcuq/ops/mean_of_sums.py. */
#ifndef MCUQ_MEAN_OF_SUMS_S8_H
#define MCUQ_MEAN_OF_SUMS_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t channels;
    int32_t pixels;
    int32_t input_zero_point;
    int32_t divides; /* 1: round (sum / pixels) half away from zero; 0: requantize */
    int32_t output_zero_point;
    int32_t output_multiplier;
    int32_t output_shift;
    int32_t activation_min;
    int32_t activation_max;
} mcuq_mean_of_sums_s8_params;

/* sums (channels) int32 at any address; output (channels). Scratch unused. */
void mcuq_mean_of_sums_s8(const mcuq_mean_of_sums_s8_params *params, const int8_t *sums, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
