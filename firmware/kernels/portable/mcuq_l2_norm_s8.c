#include "mcuq_l2_norm_s8.h"

#include "mcuq_fixedpoint.h"

#define FRACTION 7 /* the output's scale is 2^-7 */

static int32_t shifted_left(int32_t x, int32_t exponent) {
    const int64_t wide = (int64_t)x * ((int64_t)1 << exponent);
    return (int32_t)(wide > INT32_MAX ? INT32_MAX : wide < INT32_MIN ? INT32_MIN : wide);
}

/* 1 / sqrt(x) as multiplier * 2^(shift - 31), five steps of Newton and Raphson in Q3 from 1: mcuq/ops/inverse_sqrt.py.
 */
static int32_t inverse_sqrt(int32_t x, int32_t *shift) {
    if (x <= 1) {
        *shift = 0;
        return INT32_MAX;
    }
    int32_t right = 11;
    while (x >= (1 << 29)) {
        x >>= 2;
        right++;
    }
    while (x < (1 << 27)) {
        x <<= 2;
        right--;
    }
    const int32_t half = mcuq_shift_right(x >> 1, 1);
    int32_t root = 1 << 28;
    for (int32_t i = 0; i < 5; i++) {
        const int32_t cubed = shifted_left(mcuq_multiply_high(mcuq_multiply_high(root, root), root), 6);
        root = shifted_left(mcuq_multiply_high(3 << 27, root) - mcuq_multiply_high(half, cubed), 3);
    }
    root = mcuq_multiply_high(root, 1518500250);
    *shift = right < 0 ? 0 : -right;
    return right < 0 ? root * (1 << -right) : root;
}

void mcuq_l2_norm_s8(const mcuq_l2_norm_s8_params *params, const int8_t *input, int8_t *output, void *scratch) {
    const mcuq_l2_norm_s8_params *const p = params;
    (void)scratch;
    for (int32_t i = 0; i < p->rows; i++) {
        int32_t squares = 0;
        for (int32_t j = 0; j < p->depth; j++) {
            const int32_t q = input[j] - p->input_zero_point;
            squares += q * q;
        }
        int32_t shift;
        const int32_t multiplier = inverse_sqrt(squares, &shift);
        for (int32_t j = 0; j < p->depth; j++) {
            const int32_t q = input[j] - p->input_zero_point;
            output[j] = mcuq_clamp_s8(mcuq_requantize(q, multiplier, shift + FRACTION), -128, 127);
        }
        input += p->depth;
        output += p->depth;
    }
}
