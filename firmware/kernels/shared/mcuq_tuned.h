/* What kernels written for one compiler share: GCC on RV32IMC. Elsewhere they are plain C like any other. */
#ifndef MCUQ_TUNED_H
#define MCUQ_TUNED_H

#if defined(__GNUC__) && !defined(__clang__)
/* Hoisted loads and reordered sums spill registers: a convolution's inner loop grows by 40 %. */
#pragma GCC optimize("no-schedule-insns", "no-tree-reassoc")
#endif

#if defined(__GNUC__)
#define MCUQ_INLINE static inline __attribute__((always_inline))
#define MCUQ_APART  static __attribute__((noinline))
#else
#define MCUQ_INLINE static inline
#define MCUQ_APART  static
#endif

#include "mcuq_fixedpoint.h" /* after the pragma: functions with other options would not be inlined */

/* How a layer's accumulators become outputs. */
typedef struct {
    int32_t zero_point;
    int32_t per_channel; /* 1: one multiplier per output channel, 0: one for all */
    const int32_t *multiplier;
    const int8_t *shift;
} mcuq_scales;

/* How one channel's do. */
typedef struct {
    int32_t multiplier;
    int32_t shift; /* exponent + 1 */
    int32_t offset;
    int32_t zero_point;
} mcuq_scale;

MCUQ_INLINE mcuq_scale mcuq_scale_of(const mcuq_scales *s, int32_t channel) {
    const int32_t q = channel * s->per_channel;
    const int32_t exponent = -s->shift[q];
    const mcuq_scale scale = {s->multiplier[q], exponent + 1, mcuq_fast_offset(s->zero_point, exponent), s->zero_point};
    return scale;
}

/* mcuq_requantize_fast of a quarter of `acc4`, limited by nothing but the output's type; narrower limits: mcuq_limit.
 * The result lies above the zero point or below it as t does, so that one limit is enough; where the zero point is the
 * least value there is nothing to compute below. */
MCUQ_INLINE int8_t mcuq_scaled_fourfold(int32_t acc4, mcuq_scale s) {
    const int32_t t = mcuq_upper_product(acc4, s.multiplier);
    if (t >= 0) {
        const int32_t y = (t + s.offset) >> s.shift;
        return (int8_t)(y > INT8_MAX ? INT8_MAX : y);
    }
    if (s.zero_point == INT8_MIN) {
        return INT8_MIN;
    }
    const int32_t y = (t - 2 + s.offset) >> s.shift;
    return (int8_t)(y < INT8_MIN ? INT8_MIN : y);
}

MCUQ_INLINE int8_t mcuq_scaled(int32_t acc, mcuq_scale s) {
    return mcuq_scaled_fourfold(acc * 4, s);
}

/* The same of `acc` by the formula as written, for channels that mcuq_requantize_fast does not serve. */
static inline int8_t mcuq_scaled_general(int32_t acc, const mcuq_scales *s, int32_t channel) {
    const int32_t q = channel * s->per_channel;
    return mcuq_clamp_s8(mcuq_requantize(acc, s->multiplier[q], s->shift[q]) + s->zero_point, INT8_MIN, INT8_MAX);
}

static inline int8_t mcuq_scaled_any(int32_t acc, const mcuq_scales *s, int32_t channel, int32_t general) {
    return general ? mcuq_scaled_general(acc, s, channel) : mcuq_scaled(acc, mcuq_scale_of(s, channel));
}

/* Apply the limits of a fused activation to finished outputs. They seldom say more than the type does: registers are
 * too few to have them at hand in an inner loop. */
static inline void mcuq_limit(int8_t *y, int32_t count, int32_t low, int32_t high) {
    if (low > INT8_MIN || high < INT8_MAX) {
        for (int32_t i = 0; i < count; i++) {
            y[i] = mcuq_clamp_s8(y[i], low, high);
        }
    }
}

#endif
