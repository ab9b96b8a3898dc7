#include "mcuq_one_hot_s8.h"

#include "mcuq_fixedpoint.h"

#define LEFT_SHIFT 20 /* so that indices are rounded once */

void mcuq_one_hot_s8(const mcuq_one_hot_s8_params *params, const int8_t *input, int8_t *output, void *scratch) {
    const mcuq_one_hot_s8_params *const p = params;
    (void)scratch;
    for (int32_t i = 0; i < p->outer; i++) {
        for (int32_t k = 0; k < p->depth; k++) {
            for (int32_t j = 0; j < p->inner; j++) {
                const int32_t index =
                    mcuq_requantize((input[j] - p->zero_point) * (1 << LEFT_SHIFT), p->multiplier, p->shift);
                *output++ = (int8_t)(index == k ? p->on : p->off);
            }
        }
        input += p->inner;
    }
}
