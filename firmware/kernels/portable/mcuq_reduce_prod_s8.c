#include "mcuq_reduce_prod_s8.h"

#include "mcuq_fixedpoint.h"

#define BITS    30 /* of a mantissa's magnitude */
#define LARGEST ((INT32_C(1) << BITS) - 1)

/* A number: mantissa * 2^exponent. */
typedef struct {
    int32_t mantissa;
    int32_t exponent;
} product;

static int64_t magnitude(int64_t x) {
    return x < 0 ? -x : x;
}

static product times(product x, int32_t factor) {
    int64_t wide = (int64_t)x.mantissa * factor;
    int32_t over = 0;
    while (magnitude(wide) >> over > LARGEST) {
        over++;
    }
    wide = (wide + ((INT64_C(1) << over) >> 1)) >> over;
    return (product){(int32_t)wide, x.exponent + over};
}

/* Product over the reduced dimensions, from the first value of one output. */
static product accumulate(const mcuq_reduce_prod_s8_params *p, const int8_t *input) {
    product result = {1, 0};
    for (int32_t i = 0; i < p->shape[1]; i++) {
        for (int32_t j = 0; j < p->shape[3]; j++) {
            result = times(result, input[j] - p->input_zero_point);
        }
        input += p->shape[2] * p->shape[3];
    }
    return result;
}

static int32_t scaled(const mcuq_reduce_prod_s8_params *p, product x) {
    int32_t headroom = 0;
    if (x.mantissa == 0) {
        return 0;
    }
    while (magnitude(x.mantissa) * 2 <= LARGEST) {
        x.mantissa *= 2;
        headroom++;
    }
    const int32_t high = mcuq_multiply_high(x.mantissa, p->output_multiplier);
    const int32_t right = headroom - x.exponent - p->output_shift;
    if (right < 0) {
        return high < 0 ? -LARGEST : LARGEST;
    }
    return right > 31 ? 0 : mcuq_shift_right(high, right);
}

void mcuq_reduce_prod_s8(const mcuq_reduce_prod_s8_params *params, const int8_t *input, int8_t *output, void *scratch) {
    const mcuq_reduce_prod_s8_params *const p = params;
    (void)scratch;
    for (int32_t i = 0; i < p->shape[0]; i++) {
        for (int32_t j = 0; j < p->shape[2]; j++) {
            const product found = accumulate(p, input + (i * p->shape[1] * p->shape[2] + j) * p->shape[3]);
            *output++ = mcuq_clamp_s8(scaled(p, found) + p->output_zero_point, p->activation_min, p->activation_max);
        }
    }
}
