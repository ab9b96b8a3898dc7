#include "mcuq_mac16_depthwise.h"

#include "mcuq_mac16_channel.h"
#include "mcuq_mac16_isa.h"

#if !MCUQ_MAC16

/* One filter, one tap after the other; an odd number is filled up with 0. */
static void spread(const int8_t *weights, int32_t taps, int16_t *filter) {
    for (int32_t k = 0; k < taps; k++) {
        filter[k] = weights[2 * k];
    }
}

static int32_t sum(const mcuq_mac16_depthwise *tile, const int16_t *window) {
    const int16_t *weight = tile->filter;
    int32_t total = 0;
    for (int32_t j = 0; j < tile->filter_w; j++) {
        for (int32_t i = 0; i < tile->filter_h; i++) {
            total += window[j * tile->column / 2 + 2 * i] * *weight++;
        }
    }
    return total;
}

static void one_channel(const mcuq_mac16_depthwise *tile, const int16_t *x) {
    int8_t *output = tile->output;
    for (int32_t row = 0; row < tile->rows; row++) {
        for (int32_t pixel = 0; pixel < tile->pixels; pixel++) {
            const int32_t total = sum(tile, x + (row * tile->row + pixel * tile->step) / 2);
            *output = mcuq_mac16_output(*tile->bias, total, *tile->multiplier, tile->zero_point, tile->min, tile->max);
            output += tile->output_step;
        }
    }
}

void mcuq_mac16_depthwise_tile(mcuq_mac16_depthwise *tile) {
    const int32_t taps = tile->filter_h * tile->filter_w;
    const int32_t even_taps = taps + taps % 2;
    for (int32_t c = 0; c < tile->channels; c++) {
        spread(tile->weights + c % 2, even_taps, tile->filter);
        one_channel(tile, tile->x + c % 2 * tile->plane / 2 + c / 2);
        tile->weights += c % 2 * 2 * even_taps;
        tile->bias++;
        tile->multiplier += tile->per_channel;
        tile->output++;
    }
}

#else

typedef int mcuq_mac16_depthwise_is_assembly; /* a file must not be empty */

#endif
