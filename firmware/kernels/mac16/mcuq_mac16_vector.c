#include "mcuq_mac16_vector.h"

#include "mcuq_mac16_channel.h"
#include "mcuq_mac16_isa.h"

#if !MCUQ_MAC16

void mcuq_mac16_vector_run(const mcuq_mac16_vector *vector) {
    const mcuq_mac16_vector *const v = vector;
    for (int32_t c = 0; c < v->channels; c++) {
        const int32_t total = v->addition + mcuq_mac16_sum_of_fours(v->x, v->weights + c * v->taps, v->taps);
        const int32_t multiplier = v->multiplier[c * v->per_channel];
        v->output[c] = mcuq_mac16_output(v->bias[c], total, multiplier, v->zero_point, v->min, v->max);
    }
}

#else

typedef int mcuq_mac16_vector_is_assembly; /* a file must not be empty */

#endif
