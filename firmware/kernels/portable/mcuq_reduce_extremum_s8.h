/* Largest or smallest over any dimensions, int8. Meaning: mcuq/ops/reduction.py. */
#ifndef MCUQ_REDUCE_EXTREMUM_S8_H
#define MCUQ_REDUCE_EXTREMUM_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t shape[4]; /* of the input: kept, reduced, kept, reduced */
    int32_t largest;  /* 1: the largest, 0: the smallest */
} mcuq_reduce_extremum_s8_params;

/* input (shape), output (shape[0], shape[2]); scratch unused. */
void mcuq_reduce_extremum_s8(const mcuq_reduce_extremum_s8_params *params, const int8_t *input, int8_t *output,
                             void *scratch);

#ifdef __cplusplus
}
#endif

#endif
