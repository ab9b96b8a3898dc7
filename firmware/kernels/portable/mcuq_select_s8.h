/* One of two tensors, as a condition says, with broadcasting, int8. Meaning: mcuq/ops/select.py. */
#ifndef MCUQ_SELECT_S8_H
#define MCUQ_SELECT_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t shape[4];             /* of the output, outermost first */
    int32_t strides_condition[4]; /* in elements; 0 repeats */
    int32_t strides_a[4];
    int32_t strides_b[4];
    int32_t zero_point; /* of the condition */
} mcuq_select_s8_params;

/* condition, a and b as broadcast by their strides, output (shape); scratch unused. */
void mcuq_select_s8(const mcuq_select_s8_params *params, const int8_t *condition, const int8_t *a, const int8_t *b,
                    int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
