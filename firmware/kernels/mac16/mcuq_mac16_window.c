#include "mcuq_mac16_window.h"

#include "mcuq_mac16_channel.h"
#include "mcuq_mac16_isa.h"

#if !MCUQ_MAC16

void mcuq_mac16_window_run(const mcuq_mac16_window *window) {
    const mcuq_mac16_window *const p = window;
    const int16_t *w = p->weights;
    for (int32_t c = 0; c < p->channels; c++) {
        int32_t sum = 0;
        for (int32_t k = 0; k < p->taps; k++) {
            sum += (127 - p->x[k * p->step + c]) * (*w++ / 256);
        }
        w += p->taps % 2;
        const int32_t multiplier = p->multiplier[c * p->per_channel];
        p->output[c] = mcuq_mac16_output(p->bias[c], sum, multiplier, p->zero_point, INT8_MIN, INT8_MAX);
    }
}

#else

typedef int mcuq_mac16_window_is_assembly; /* a file must not be empty */

#endif
