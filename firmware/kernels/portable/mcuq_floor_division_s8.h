/* Quotients rounded down, or what they leave, int8. Meaning: mcuq/ops/floor_division.py. */
#ifndef MCUQ_FLOOR_DIVISION_S8_H
#define MCUQ_FLOOR_DIVISION_S8_H

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
    int32_t factor_a; /* of a centered integer: what it is in the common unit; at most 2^22 */
    int32_t factor_b;
    int32_t result;     /* 0: the quotient, rounded down; 1: its rest; 2: the rest of the quotient rounded towards 0 */
    int32_t limit;      /* of the result's magnitude */
    int32_t left_shift; /* of the limited result */
    int32_t output_zero_point;
    int32_t output_multiplier;
    int32_t output_shift;
    int32_t activation_min;
    int32_t activation_max;
} mcuq_floor_division_s8_params;

/* a and b (strides), output (shape); scratch unused. */
void mcuq_floor_division_s8(const mcuq_floor_division_s8_params *params, const int8_t *a, const int8_t *b,
                            int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
