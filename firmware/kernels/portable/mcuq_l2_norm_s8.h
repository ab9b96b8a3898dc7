/* Rows normalized to length 1, int8. Meaning: mcuq/ops/l2_norm.py. */
#ifndef MCUQ_L2_NORM_S8_H
#define MCUQ_L2_NORM_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t rows;
    int32_t depth;
    int32_t input_zero_point;
} mcuq_l2_norm_s8_params;

/* input (rows, depth), output (rows, depth); scratch unused. */
void mcuq_l2_norm_s8(const mcuq_l2_norm_s8_params *params, const int8_t *input, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
