/* mcuq_requantize_fast for multipliers of 1/2 and more, too: few signs have coarse sums. */
#ifndef MCUQ_SIGNS_SCALE_H
#define MCUQ_SIGNS_SCALE_H

#include "mcuq_tuned.h"

/* How one channel's sums become outputs. */
typedef struct {
    int32_t multiplier;
    int32_t left;  /* 2 more than the shift to the left */
    int32_t right; /* 1 more than the shift to the right */
    int32_t offset;
    int32_t below; /* the offset of negative products */
} mcuq_signs_scale;

/* For |x * 2^shift| < 2^29, an exponent of at most 21 and multiplier >= 0. Without a shift to the right there is one
 * rounding, h = (t + 1) >> 1: h + zero_point = (t + 1 + 2 * zero_point) >> 1, whatever the sign. */
MCUQ_INLINE mcuq_signs_scale mcuq_signs_scale_of(const mcuq_scales *s, int32_t channel) {
    const int32_t q = channel * s->per_channel;
    const int32_t shift = s->shift[q];
    mcuq_signs_scale scale = {s->multiplier[q], shift + 2, 1, 2 * s->zero_point + 1, 2 * s->zero_point + 1};
    if (shift < 0) {
        scale.left = 2;
        scale.right = 1 - shift;
        scale.offset = mcuq_fast_offset(s->zero_point, -shift);
        scale.below = scale.offset - 2;
    }
    return scale;
}

/* The requantized sum between limits that the zero point lies between: outputs lie on the side of it that t does. */
MCUQ_INLINE int32_t mcuq_signs_scaled(int32_t acc, mcuq_signs_scale s, int32_t low, int32_t high) {
    const int32_t t = mcuq_upper_product((int32_t)((uint32_t)acc << s.left), s.multiplier);
    if (t < 0) {
        const int32_t y = (t + s.below) >> s.right;
        return y < low ? low : y;
    }
    const int32_t y = (t + s.offset) >> s.right;
    return y > high ? high : y;
}

#endif
