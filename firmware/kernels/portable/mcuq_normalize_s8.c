#include "mcuq_normalize_s8.h"

#include "mcuq_fixedpoint.h"

#define FRACTION 12 /* fractional bits of a normalized value */

/* floor(sqrt(x)) for x in [2^60, 2^62). */
static uint32_t square_root(uint64_t x) {
    uint64_t root = 0;
    for (uint64_t bit = UINT64_C(1) << 30; bit != 0; bit >>= 1) {
        const uint64_t tried = root | bit;
        root = tried * tried <= x ? tried : root;
    }
    return (uint32_t)root;
}

/* One row and its channels, from its first element; rows of images have gaps. */
static void row(const mcuq_normalize_s8_params *p, const int8_t *input, int8_t *output, int32_t channel) {
    const int32_t gap = p->shape[2] * p->shape[3];
    const int32_t depth = p->shape[1] * p->shape[3];
    int32_t total = 0;
    int64_t squares = 0;
    for (int32_t i = 0; i < p->shape[1]; i++) {
        for (int32_t j = 0; j < p->shape[3]; j++) {
            const int32_t q = input[i * gap + j] - p->zero_point;
            total += q;
            squares += q * q;
        }
    }
    total = p->center ? total : 0;
    const int64_t epsilon = (int64_t)p->epsilon * ((int64_t)1 << p->epsilon_shift);
    uint64_t square = (uint64_t)(depth * squares - (int64_t)total * total + epsilon);
    int64_t reciprocal = 0;
    int32_t right = 61 - FRACTION - 30;
    if (square != 0) {
        right = 61 - FRACTION;
        while (square < (UINT64_C(1) << 60)) {
            square <<= 2;
            right--;
        }
        reciprocal = (int64_t)((UINT64_C(1) << 61) / square_root(square));
    }
    for (int32_t i = 0; i < p->shape[1]; i++) {
        for (int32_t j = 0; j < p->shape[3]; j++) {
            const int32_t q = input[i * gap + j] - p->zero_point;
            const int64_t product = (int64_t)(depth * q - total) * reciprocal;
            const int32_t normalized = (int32_t)((product + ((int64_t)1 << (right - 1))) >> right);
            const int32_t c = p->channels > 1 ? channel + j : 0;
            const int32_t scaled = mcuq_shift_right(normalized * p->factors[c] + p->summands[c], p->shift);
            output[i * gap + j] = mcuq_clamp_s8(scaled + p->output_zero_point, p->activation_min, p->activation_max);
        }
    }
}

void mcuq_normalize_s8(const mcuq_normalize_s8_params *params, const int8_t *input, int8_t *output, void *scratch) {
    const mcuq_normalize_s8_params *const p = params;
    (void)scratch;
    for (int32_t i = 0; i < p->shape[0]; i++) {
        for (int32_t j = 0; j < p->shape[2]; j++) {
            const int32_t first = (i * p->shape[1] * p->shape[2] + j) * p->shape[3];
            row(p, input + first, output + first, j * p->shape[3]);
        }
    }
}
