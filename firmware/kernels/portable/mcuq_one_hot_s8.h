/* One of many set, by a computed index, int8. Meaning: mcuq/ops/one_hot.py. */
#ifndef MCUQ_ONE_HOT_S8_H
#define MCUQ_ONE_HOT_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t outer;
    int32_t depth;      /* places */
    int32_t inner;      /* distance of an index's places */
    int32_t zero_point; /* of the indices */
    int32_t multiplier; /* what makes them whole numbers */
    int32_t shift;
    int32_t on;
    int32_t off;
} mcuq_one_hot_s8_params;

/* input (outer, inner), output (outer, depth, inner); scratch unused. */
void mcuq_one_hot_s8(const mcuq_one_hot_s8_params *params, const int8_t *input, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
