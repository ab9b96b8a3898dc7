/* Running sums along a dimension, int8. Meaning: mcuq/ops/cumsum.py. */
#ifndef MCUQ_CUMSUM_S8_H
#define MCUQ_CUMSUM_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t outer;
    int32_t depth;     /* of what is summed */
    int32_t inner;     /* distance of neighbours */
    int32_t exclusive; /* 1: of what is before a place, 0: with its own */
    int32_t reverse;   /* 1: from the last place on */
    int32_t first;     /* what sums begin with */
    int32_t left_shift;
    int32_t input_zero_point;
    int32_t output_zero_point;
    int32_t output_multiplier;
    int32_t output_shift;
    int32_t activation_min;
    int32_t activation_max;
} mcuq_cumsum_s8_params;

/* input and output (outer, depth, inner); scratch unused. */
void mcuq_cumsum_s8(const mcuq_cumsum_s8_params *params, const int8_t *input, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
