/* Two input pixels in one register, and the sums of their products with weights: see mcuq_lanes.h. */
#ifndef MCUQ_LANES_JOIN_H
#define MCUQ_LANES_JOIN_H

#include "mcuq_tuned.h"

enum { MCUQ_LANES_HALF = 1 << 15 };

typedef struct {
    uint32_t total;
    uint32_t high;
} mcuq_lane_sums;

/* Put `count` values of two pixels side by side into every `stride`th word. */
MCUQ_INLINE void mcuq_lanes_join(const int8_t *a, const int8_t *b, int32_t count, uint32_t *x, int32_t stride) {
    const int8_t *const end = a + count;
    const int8_t *const fours = a + (count & ~3);
    while (a != fours) {
        x[0] = (uint32_t)a[0] + ((uint32_t)b[0] << 16);
        x[stride] = (uint32_t)a[1] + ((uint32_t)b[1] << 16);
        x[2 * stride] = (uint32_t)a[2] + ((uint32_t)b[2] << 16);
        x[3 * stride] = (uint32_t)a[3] + ((uint32_t)b[3] << 16);
        a += 4;
        b += 4;
        x += 4 * stride;
    }
    while (a != end) {
        *x = (uint32_t)*a++ + ((uint32_t)*b++ << 16);
        x += stride;
    }
}

#endif
