#include "mcuq_mac16_dot.h"

#include "mcuq_mac16_channel.h"
#include "mcuq_mac16_isa.h"

#if !MCUQ_MAC16

/* One filter in the order in which x lies. */
static void spread(const int8_t *weights, int32_t taps, int16_t *filter) {
    for (int32_t k = 0; k < taps; k += 4) {
        filter[k] = weights[k];
        filter[k + 1] = weights[k + 2];
        filter[k + 2] = weights[k + 1];
        filter[k + 3] = weights[k + 3];
    }
}

void mcuq_mac16_dot_tile(const mcuq_mac16_dot *tile) {
    for (int32_t c = 0; c < tile->channels; c++) {
        const int32_t multiplier = tile->multiplier[c * tile->per_channel];
        int8_t *output = tile->output + c;
        spread(tile->weights + c * tile->taps, tile->taps, tile->filter);
        for (int32_t row = 0; row < tile->rows; row++) {
            for (int32_t pixel = 0; pixel < tile->pixels; pixel++) {
                const int16_t *const x = tile->x + (row * tile->row_step + pixel * tile->step) / 2;
                int32_t sum = 0;
                for (int32_t k = 0; k < tile->taps; k++) {
                    sum += x[k] * tile->filter[k];
                }
                *output = mcuq_mac16_output(tile->bias[c], sum, multiplier, tile->zero_point, tile->min, tile->max);
                output += tile->output_step;
            }
        }
    }
}

#else

typedef int mcuq_mac16_dot_is_assembly; /* a file must not be empty */

#endif
