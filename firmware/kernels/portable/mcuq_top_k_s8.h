/* The first of a dimension's values in order, or their indices, int8. Meaning: mcuq/ops/ranking.py. */
#ifndef MCUQ_TOP_K_S8_H
#define MCUQ_TOP_K_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t outer;
    int32_t depth;   /* of a row */
    int32_t inner;   /* distance of a row's elements */
    int32_t count;   /* at most depth */
    int32_t largest; /* 1: the largest first, 0: the smallest */
    int32_t indices; /* 1: indices, 0: values */
} mcuq_top_k_s8_params;

/* input (outer, depth, inner), output (outer, count, inner), indices minus 128; scratch unused. */
void mcuq_top_k_s8(const mcuq_top_k_s8_params *params, const int8_t *input, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
