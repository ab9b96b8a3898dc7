#include "mcuq_add_s8_lanes.h"

#include "mcuq_tuned.h"

enum { LEFT_SHIFT = 20, VALUES = 256 };

/* What every value of an operand is worth on the common scale, by the value as an unsigned byte. */
static void tabulate(int32_t *table, int32_t zero_point, int32_t multiplier, int32_t shift) {
    for (int32_t x = INT8_MIN; x <= INT8_MAX; x++) {
        table[x & (VALUES - 1)] = mcuq_requantize((x - zero_point) * (1 << LEFT_SHIFT), multiplier, shift);
    }
}

void mcuq_add_s8_lanes(const mcuq_add_s8_lanes_params *params, const int8_t *a, const int8_t *b, int8_t *output,
                       void *scratch) {
    const mcuq_add_s8_lanes_params *const p = params;
    int32_t *const table_a = scratch, *const table_b = table_a + VALUES;
    tabulate(table_a, p->zero_point_a, p->multiplier_a, p->shift_a);
    tabulate(table_b, p->zero_point_b, p->multiplier_b, p->shift_b);
    const int32_t exponent = -p->output_shift;
    const mcuq_scale scale = {p->output_multiplier, exponent + 1, mcuq_fast_offset(p->output_zero_point, exponent),
                              p->output_zero_point};
    int8_t *out = output, *const end = output + p->elements;
    while (out != end) {
        *out++ = mcuq_scaled(table_a[(uint8_t)*a++] + table_b[(uint8_t)*b++], scale);
    }
    mcuq_limit(output, p->elements, p->activation_min, p->activation_max);
}
