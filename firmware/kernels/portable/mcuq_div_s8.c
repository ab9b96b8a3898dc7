#include "mcuq_div_s8.h"

#include "mcuq_fixedpoint.h"

/* Bits after the sign that are equal to it. */
static int32_t headroom(int32_t x) {
    uint32_t magnitude = (uint32_t)(x < 0 ? ~x : x);
    int32_t count = 31;
    while (magnitude != 0) {
        magnitude >>= 1;
        count--;
    }
    return count;
}

/* A rounding shift by more than 31 bits. */
static int32_t far(const mcuq_div_s8_params *p, int32_t x, int32_t exponent) {
    if (!p->wraps) {
        return 0;
    }
    const int32_t mask = (exponent & 63) > 31 ? -1 : (int32_t)((UINT32_C(1) << (exponent & 31)) - 1u);
    return (x >> (exponent & 31)) + ((x & mask) > (mask >> 1) + (x < 0));
}

static int8_t divide(const mcuq_div_s8_params *p, int8_t dividend, int8_t divisor) {
    int32_t a = dividend - p->zero_point_a;
    int32_t b = divisor - p->zero_point_b;
    if (b == 0) {
        const int32_t largest = a > 0 ? 512 : a < 0 ? -512 : 0;
        return mcuq_clamp_s8(largest + p->output_zero_point, p->activation_min, p->activation_max);
    }
    if (b < 0) {
        a = -a;
        b = -b;
    }
    const int32_t left = headroom(a);
    const int32_t quotient = mcuq_multiply_high((int32_t)((uint32_t)a << left), p->reciprocals[b]);
    const int32_t right = 30 - headroom(b) + left - p->output_shift;
    const int32_t product = mcuq_multiply_high(quotient, p->output_multiplier);
    const int32_t scaled = right > 31 ? far(p, product, right) : mcuq_shift_right(product, right);
    return mcuq_clamp_s8(scaled + p->output_zero_point, p->activation_min, p->activation_max);
}

void mcuq_div_s8(const mcuq_div_s8_params *params, const int8_t *a, const int8_t *b, int8_t *output, void *scratch) {
    const mcuq_div_s8_params *const p = params;
    (void)scratch;
    for (int32_t i = 0; i < p->shape[0]; i++) {
        for (int32_t j = 0; j < p->shape[1]; j++) {
            for (int32_t k = 0; k < p->shape[2]; k++) {
                const int8_t *const row_a = a + i * p->strides_a[0] + j * p->strides_a[1] + k * p->strides_a[2];
                const int8_t *const row_b = b + i * p->strides_b[0] + j * p->strides_b[1] + k * p->strides_b[2];
                for (int32_t l = 0; l < p->shape[3]; l++) {
                    *output++ = divide(p, row_a[l * p->strides_a[3]], row_b[l * p->strides_b[3]]);
                }
            }
        }
    }
}
