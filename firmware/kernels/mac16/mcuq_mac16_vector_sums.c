#include "mcuq_mac16_vector_sums.h"

#include "mcuq_mac16_channel.h"
#include "mcuq_mac16_isa.h"

#if !MCUQ_MAC16

void mcuq_mac16_vector_sums_run(const mcuq_mac16_vector *vector, int32_t *words) {
    const mcuq_mac16_vector *const v = vector;
    for (int32_t c = 0; c < v->channels; c++) {
        const int32_t total = v->addition + mcuq_mac16_sum_of_fours(v->x, v->weights + c * v->taps, v->taps);
        words[c] = (int32_t)((uint32_t)words[c] + ((uint32_t)total << 8));
    }
}

#else

typedef int mcuq_mac16_vector_sums_is_assembly; /* a file must not be empty */

#endif
