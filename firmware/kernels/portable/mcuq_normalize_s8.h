/* Layer, RMS and group norms, int8. Meaning: mcuq/ops/normalization.py. */
#ifndef MCUQ_NORMALIZE_S8_H
#define MCUQ_NORMALIZE_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t shape[4]; /* of the input: kept, reduced, kept, reduced */
    int32_t zero_point;
    int32_t center;  /* 1: the mean is taken off */
    int32_t epsilon; /* E = epsilon * 2^epsilon_shift */
    int32_t epsilon_shift;
    int32_t channels; /* entries of the tables: shape[2] * shape[3], or 1 */
    int32_t shift;    /* of the sum, to the right */
    int32_t output_zero_point;
    int32_t activation_min;
    int32_t activation_max;
    const int32_t *factors;  /* (channels) */
    const int32_t *summands; /* (channels) */
} mcuq_normalize_s8_params;

/* input (shape), output (shape); scratch unused. */
void mcuq_normalize_s8(const mcuq_normalize_s8_params *params, const int8_t *input, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
