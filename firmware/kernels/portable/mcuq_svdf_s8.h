/* Singular value decomposition filter, int8 with a state of int16. Meaning: mcuq/ops/svdf.py. */
#ifndef MCUQ_SVDF_S8_H
#define MCUQ_SVDF_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t input_c;
    int32_t units;
    int32_t rank;   /* filters per unit */
    int32_t memory; /* steps */
    int32_t state_min;
    int32_t state_max;
    int32_t feature_multiplier;
    int32_t feature_shift;
    int32_t output_multiplier;
    int32_t output_shift;
    int32_t output_zero_point;
    const int8_t *features;      /* (units, rank, input_c) */
    const int32_t *feature_bias; /* (units, rank), of the input's zero point */
    const int16_t *time;         /* (units, rank, memory), of the newest step last */
    const int32_t *bias;         /* (units) */
} mcuq_svdf_s8_params;

/* input (input_c), state (units, rank, memory), output (units), state_out like state, which it may be; scratch:
 * none. */
void mcuq_svdf_s8(const mcuq_svdf_s8_params *params, const int8_t *input, const int16_t *state, int8_t *output,
                  int16_t *state_out, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
