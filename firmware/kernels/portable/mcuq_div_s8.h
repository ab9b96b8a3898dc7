/* Division with broadcasting, int8. Meaning: mcuq/ops/div.py. */
#ifndef MCUQ_DIV_S8_H
#define MCUQ_DIV_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t shape[4];     /* of the output, outermost first */
    int32_t strides_a[4]; /* in elements; 0 repeats */
    int32_t strides_b[4];
    int32_t zero_point_a;
    int32_t zero_point_b;
    int32_t output_zero_point;
    int32_t output_multiplier;
    int32_t output_shift;
    int32_t activation_min;
    int32_t activation_max;
    int32_t wraps;              /* 1: shifts beyond 31 wrap, 0: they leave nothing */
    const int32_t *reciprocals; /* (256), Q0: 2^floor(log2(d)) / d of a divisor's magnitude d */
} mcuq_div_s8_params;

/* a and b as broadcast by their strides, output (shape); scratch unused. */
void mcuq_div_s8(const mcuq_div_s8_params *params, const int8_t *a, const int8_t *b, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
