#include "mcuq_mac16_gates.h"

#include "mcuq_mac16_isa.h"

#if !MCUQ_MAC16

#include "mcuq_int16.h"
#include "mcuq_mac16_channel.h"

void mcuq_mac16_gates_run(const mcuq_mac16_gates *gates) {
    const mcuq_mac16_gates *const g = gates;
    for (int32_t c = 0; c < g->channels; c++) {
        const int32_t *const scale = g->scale + c / g->sharing * 2;
        const int32_t sum = g->addition + mcuq_mac16_sum_of_fours(g->x, g->weights + c * g->taps, g->taps);
        const int32_t acc = (int32_t)((uint32_t)g->bias[c] + ((uint32_t)sum << 8)) >> 8;
        const int32_t own = mcuq_requantize(-acc, scale[0], MCUQ_MAC16_EXPONENT_BASE + 1 - (scale[1] & 31));
        g->gates[c] = (int16_t)mcuq_saturate_s16(g->gates[c] + mcuq_saturate_s16(own));
    }
}

#else

typedef int mcuq_mac16_gates_is_assembly; /* a file must not be empty */

#endif
