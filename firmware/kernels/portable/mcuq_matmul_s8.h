/* Products of matrices, both computed, int8. Meaning: mcuq/ops/matmul.py. */
#ifndef MCUQ_MATMUL_S8_H
#define MCUQ_MATMUL_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t batch[4];     /* pairs of matrices, outermost first */
    int32_t strides_a[4]; /* between matrices, in matrices; 0 repeats */
    int32_t strides_b[4];
    int32_t rows; /* of the output */
    int32_t columns;
    int32_t depth;
    int32_t transposed_a; /* 1: a is (depth, rows), 0: (rows, depth) */
    int32_t transposed_b; /* 1: b is (columns, depth), 0: (depth, columns) */
    int32_t zero_point_a;
    int32_t zero_point_b;
    int32_t output_zero_point;
    int32_t output_multiplier;
    int32_t output_shift;
    int32_t activation_min;
    int32_t activation_max;
} mcuq_matmul_s8_params;

/* a and b as broadcast by their strides, output (batch, rows, columns); scratch unused. */
void mcuq_matmul_s8(const mcuq_matmul_s8_params *params, const int8_t *a, const int8_t *b, int8_t *output,
                    void *scratch);

#ifdef __cplusplus
}
#endif

#endif
