#include "mcuq_add_s8_mac16.h"

#include "mcuq_fixedpoint.h"
#include "mcuq_mac16_sum.h"

enum { BYTES = 256, LEFT_SHIFT = 20 };

/* -4 * mcuq_requantize((x - zero_point) << LEFT_SHIFT, multiplier, shift) + offset for every x.
 *
 * What is rounded first is (x - zero_point) * multiplier / 2^11, which grows by the multiplier from x to x. */
static void fill(int32_t zero_point, int32_t multiplier, int32_t shift, int32_t offset, int32_t *table) {
    int64_t product = (int64_t)(-128 - zero_point) * multiplier + (1 << (30 - LEFT_SHIFT));
    for (int32_t x = -128; x < 128; x++, product += multiplier) {
        const int32_t high = (int32_t)(product >> (31 - LEFT_SHIFT));
        table[(uint8_t)x] = offset - 4 * mcuq_shift_right(high, -shift);
    }
}

void mcuq_add_s8_mac16(const mcuq_add_s8_mac16_params *params, const int8_t *a, const int8_t *b, int8_t *output,
                       void *scratch) {
    const mcuq_add_s8_mac16_params *const p = params;
    int32_t *const tables = scratch;
    fill(p->zero_point_a, p->multiplier_a, p->shift_a, MCUQ_MAC16_SUM_OFFSET, tables);
    fill(p->zero_point_b, p->multiplier_b, p->shift_b, 0, tables + BYTES);
    const mcuq_mac16_sum sum = {a,
                                b,
                                output,
                                p->elements,
                                tables,
                                tables + BYTES,
                                p->output_multiplier,
                                -p->output_shift,
                                p->output_zero_point,
                                p->activation_min,
                                p->activation_max};
    mcuq_mac16_sum_run(&sum);
}
