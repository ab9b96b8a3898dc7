#include "mcuq_log_softmax_s8.h"

#include "mcuq_fixedpoint.h"

#define SUM_BITS 12    /* of exponentials before they are summed */
#define LOG_2    45426 /* Q16 */

/* The logarithm, Q16, of a sum of exponentials in Q12: (1 + fraction) * 2^top. */
static int32_t logarithm(const int32_t *table, uint32_t total) {
    int32_t top = 31;
    while ((total & UINT32_C(0x80000000)) == 0) {
        total <<= 1;
        top--;
    }
    const int32_t fraction = (int32_t)((total & UINT32_C(0x7fffffff)) >> 1);
    const int32_t place = fraction >> 24;
    const int32_t rest = (fraction >> 8) & 0xffff;
    return table[place] + ((table[place + 1] - table[place]) * rest >> 16) + (top - (31 - SUM_BITS)) * LOG_2;
}

/* One row: (depth). */
static void row(const mcuq_log_softmax_s8_params *p, const int8_t *input, int8_t *output) {
    int32_t max = input[0];
    for (int32_t i = 1; i < p->depth; i++) {
        max = input[i] > max ? input[i] : max;
    }
    uint32_t total = 0;
    for (int32_t i = 0; i < p->depth; i++) {
        total += (uint32_t)(p->exponentials[max - input[i]] >> SUM_BITS);
    }
    const int32_t offset = logarithm(p->logarithms, total);
    for (int32_t i = 0; i < p->depth; i++) {
        const int32_t below = mcuq_requantize(input[i] - max, p->difference_multiplier, p->difference_shift);
        const int32_t scaled = mcuq_requantize(below - offset, p->output_multiplier, p->output_shift);
        output[i] = mcuq_clamp_s8(scaled + p->output_zero_point, -128, 127);
    }
}

void mcuq_log_softmax_s8(const mcuq_log_softmax_s8_params *params, const int8_t *input, int8_t *output, void *scratch) {
    (void)scratch;
    for (int32_t i = 0; i < params->rows; i++) {
        row(params, input + i * params->depth, output + i * params->depth);
    }
}
