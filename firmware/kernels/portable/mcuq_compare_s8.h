/* Comparison of two tensors with broadcasting, int8 to 0 and 1. Meaning: mcuq/ops/compare.py. */
#ifndef MCUQ_COMPARE_S8_H
#define MCUQ_COMPARE_S8_H

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
    int32_t multiplier_a;
    int32_t multiplier_b;
    int32_t shift_a;
    int32_t shift_b;
    int32_t left_shift; /* of the operands before they are multiplied */
    int32_t relation;   /* 0: equal, 1: not equal, 2: less, 3: less or equal, 4: greater, 5: greater or equal */
} mcuq_compare_s8_params;

/* a and b as broadcast by their strides, output (shape); scratch unused. */
void mcuq_compare_s8(const mcuq_compare_s8_params *params, const int8_t *a, const int8_t *b, int8_t *output,
                     void *scratch);

#ifdef __cplusplus
}
#endif

#endif
