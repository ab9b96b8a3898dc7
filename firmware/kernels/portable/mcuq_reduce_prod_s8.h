/* Product over dimensions, int8. Meaning: mcuq/ops/reduce_prod.py. */
#ifndef MCUQ_REDUCE_PROD_S8_H
#define MCUQ_REDUCE_PROD_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t shape[4]; /* of the input: kept, reduced, kept, reduced */
    int32_t input_zero_point;
    int32_t output_zero_point;
    int32_t output_multiplier;
    int32_t output_shift; /* any: a product has any magnitude */
    int32_t activation_min;
    int32_t activation_max;
} mcuq_reduce_prod_s8_params;

/* input (shape), output (kept, kept); scratch unused. */
void mcuq_reduce_prod_s8(const mcuq_reduce_prod_s8_params *params, const int8_t *input, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
