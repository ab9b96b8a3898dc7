#include "mcuq_arg_extremum_s8.h"

void mcuq_arg_extremum_s8(const mcuq_arg_extremum_s8_params *params, const int8_t *input, int8_t *output,
                          void *scratch) {
    const mcuq_arg_extremum_s8_params *const p = params;
    (void)scratch;
    for (int32_t i = 0; i < p->outer; i++) {
        for (int32_t j = 0; j < p->inner; j++) {
            const int8_t *const row = input + i * p->depth * p->inner + j;
            int32_t found = 0;
            for (int32_t k = 1; k < p->depth; k++) {
                const int32_t difference = row[k * p->inner] - row[found * p->inner];
                found = (p->largest ? difference > 0 : difference < 0) ? k : found;
            }
            *output++ = (int8_t)(found - 128);
        }
    }
}
