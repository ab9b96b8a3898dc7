/* Addition of two tensors of one shape, int8, by tables. Meaning: mcuq/kernels/lanes/add.py. */
#ifndef MCUQ_ADD_S8_LANES_H
#define MCUQ_ADD_S8_LANES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t elements;
    int32_t zero_point_a;
    int32_t zero_point_b;
    int32_t multiplier_a;
    int32_t multiplier_b;
    int32_t shift_a;
    int32_t shift_b;
    int32_t output_zero_point;
    int32_t output_multiplier;
    int32_t output_shift;
    int32_t activation_min;
    int32_t activation_max;
} mcuq_add_s8_lanes_params;

/* a, b and output (elements); output may be a or b. scratch: 512 words. */
void mcuq_add_s8_lanes(const mcuq_add_s8_lanes_params *params, const int8_t *a, const int8_t *b, int8_t *output,
                       void *scratch);

#ifdef __cplusplus
}
#endif

#endif
