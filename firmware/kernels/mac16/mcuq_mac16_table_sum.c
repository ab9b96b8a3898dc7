#include "mcuq_mac16_table_sum.h"

#include "mcuq_fixedpoint.h"

#if !MCUQ_MAC16

void mcuq_mac16_table_sum_run(const mcuq_mac16_sum *sum) {
    const mcuq_mac16_sum *const s = sum;
    for (int32_t i = 0; i < s->elements; i++) {
        const int32_t total = -(s->table_a[(uint8_t)s->a[i]] + s->table_b[(uint8_t)s->b[i]]) / 4;
        const int32_t scaled = mcuq_requantize(total, s->multiplier, -s->exponent);
        s->output[i] = mcuq_clamp_s8(scaled + s->zero_point, s->min, s->max);
    }
}

#else

typedef int mcuq_mac16_table_sum_is_assembly; /* a file must not be empty */

#endif
