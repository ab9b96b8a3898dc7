#include "mcuq_softmax_s8.h"

#include "mcuq_fixedpoint.h"

#define SUM_BITS 12 /* integer bits of the sum of exponentials */

/* 1 / (1 + a) for a in Q0, 0 <= a < 1: three Newton-Raphson steps in Q2 from 48/17 - 32/17 * (1 + a) / 2. */
static int32_t one_over_one_plus(int32_t a) {
    const int32_t half_denominator = (1 << 30) + (a >> 1);
    int32_t x = 1515870810 + mcuq_multiply_high(half_denominator, -1010580540);
    for (int32_t i = 0; i < 3; i++) {
        const int32_t error = (1 << 29) - mcuq_multiply_high(half_denominator, x);
        x += mcuq_multiply_high(x, error) * 4;
    }
    return x < (1 << 30) ? x * 2 : INT32_MAX;
}

static int32_t leading_zeros(uint32_t x) {
    int32_t count = 0;
    while ((x & UINT32_C(0x80000000)) == 0) {
        x <<= 1;
        count++;
    }
    return count;
}

/* One row: (depth). */
static void row(const mcuq_softmax_s8_params *p, const int8_t *input, int8_t *output) {
    int32_t max = input[0];
    for (int32_t i = 1; i < p->depth; i++) {
        max = input[i] > max ? input[i] : max;
    }
    uint32_t total = 0;
    for (int32_t i = 0; i < p->depth; i++) {
        total += (uint32_t)mcuq_shift_right(p->exponentials[max - input[i]], SUM_BITS);
    }
    /* total = (1 + fraction) * 2^(SUM_BITS - headroom), fraction in Q0 */
    const int32_t headroom = leading_zeros(total);
    const int32_t reciprocal = one_over_one_plus((int32_t)((total << headroom) - UINT32_C(0x80000000)));
    const int32_t exponent = SUM_BITS - headroom + 23;
    for (int32_t i = 0; i < p->depth; i++) {
        const int32_t quotient = mcuq_multiply_high(reciprocal, p->exponentials[max - input[i]]);
        const int32_t q = exponent > 31 ? 0 : mcuq_shift_right(quotient, exponent);
        output[i] = mcuq_clamp_s8(q - 128, -128, 127);
    }
}

void mcuq_softmax_s8(const mcuq_softmax_s8_params *params, const int8_t *input, int8_t *output, void *scratch) {
    (void)scratch;
    for (int32_t i = 0; i < params->rows; i++) {
        row(params, input + i * params->depth, output + i * params->depth);
    }
}
