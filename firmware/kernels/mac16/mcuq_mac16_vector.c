#include "mcuq_mac16_vector.h"

#include "mcuq_mac16_channel.h"
#include "mcuq_mac16_isa.h"

#if !MCUQ_MAC16

/* The sum as the assembly computes it, 1/256 of it: without what cancels out. */
static int32_t sum(const int16_t *x, const uint8_t *weights, int32_t taps) {
    int32_t acc = 0;
    for (int32_t k = 0; k < taps; k += 4) {
        acc += x[k] * (int8_t)weights[k + 1] + x[k + 1] * (int8_t)weights[k + 3];
        acc += (x[k + 2] + x[k]) / 256 * weights[k] + (x[k + 3] + x[k + 1]) / 256 * weights[k + 2];
    }
    return acc;
}

void mcuq_mac16_vector_run(const mcuq_mac16_vector *vector) {
    const mcuq_mac16_vector *const v = vector;
    for (int32_t c = 0; c < v->channels; c++) {
        const int32_t total = v->addition + sum(v->x, v->weights + c * v->taps, v->taps);
        const int32_t multiplier = v->multiplier[c * v->per_channel];
        v->output[c] = mcuq_mac16_output(v->bias[c], total, multiplier, v->zero_point, v->min, v->max);
    }
}

#else

typedef int mcuq_mac16_vector_is_assembly; /* a file must not be empty */

#endif
