/* Index of the largest or smallest along a dimension, int8. Meaning: mcuq/ops/arg_extremum.py. */
#ifndef MCUQ_ARG_EXTREMUM_S8_H
#define MCUQ_ARG_EXTREMUM_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t outer;
    int32_t depth;   /* of a row, at most 256 */
    int32_t inner;   /* distance of a row's elements */
    int32_t largest; /* 1: the index of the largest, 0: that of the smallest */
} mcuq_arg_extremum_s8_params;

/* input (outer, depth, inner), output (outer, inner), indices minus 128; scratch unused. */
void mcuq_arg_extremum_s8(const mcuq_arg_extremum_s8_params *params, const int8_t *input, int8_t *output,
                          void *scratch);

#ifdef __cplusplus
}
#endif

#endif
