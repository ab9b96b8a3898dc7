/* The larger or smaller of two tensors with broadcasting, int8. Meaning: mcuq/ops/extremum.py. */
#ifndef MCUQ_EXTREMUM_S8_H
#define MCUQ_EXTREMUM_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t shape[4];     /* of the output, outermost first */
    int32_t strides_a[4]; /* in elements; 0 repeats */
    int32_t strides_b[4];
    int32_t largest; /* 1: of each pair the larger, 0: the smaller */
} mcuq_extremum_s8_params;

/* a and b as broadcast by their strides, output (shape); scratch unused. */
void mcuq_extremum_s8(const mcuq_extremum_s8_params *params, const int8_t *a, const int8_t *b, int8_t *output,
                      void *scratch);

#ifdef __cplusplus
}
#endif

#endif
