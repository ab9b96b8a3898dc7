#include "mcuq_fully_connected_s8_parts_mac16.h"

#include "mcuq_mac16_channel.h"
#include "mcuq_mac16_vector.h"
#include "mcuq_mac16_vector_sums.h"

static int32_t at_most(int32_t value, int32_t limit) {
    return value < limit ? value : limit;
}

/* Outputs of a vector from channel `first` on: sums grow part by part of the inputs, the last part finishes them. */
static void channels_of(const mcuq_fully_connected_s8_parts_mac16_params *p, const int8_t *input, int32_t first,
                        int32_t *words, mcuq_mac16_vector *vector) {
    vector->channels = at_most(p->output_c - first, p->tile_channels);
    vector->weights = p->weights + first * p->taps;
    vector->multiplier = p->multiplier + first * p->per_channel;
    for (int32_t c = 0; c < vector->channels; c++) {
        words[c] = p->bias[first + c];
    }
    for (int32_t k = 0; k < p->taps; k += p->tile_taps) {
        vector->taps = at_most(p->taps - k, p->tile_taps);
        vector->addition = mcuq_mac16_in_fours(input + k, at_most(p->input_c - k, p->tile_taps), vector->x);
        if (k + p->tile_taps < p->taps) {
            mcuq_mac16_vector_sums_run(vector, words);
        } else {
            mcuq_mac16_vector_run(vector);
        }
        vector->weights += vector->channels * vector->taps;
    }
}

void mcuq_fully_connected_s8_parts_mac16(const mcuq_fully_connected_s8_parts_mac16_params *params, const int8_t *input,
                                         int8_t *output, void *scratch) {
    const mcuq_fully_connected_s8_parts_mac16_params *const p = params;
    const int32_t tiles = (p->output_c + p->tile_channels - 1) / p->tile_channels;
    int32_t *const words = scratch;
    mcuq_mac16_vector vector = {0};
    vector.bias = words;
    vector.per_channel = p->per_channel;
    vector.x = (int16_t *)(words + p->tile_channels);
    vector.zero_point = p->output_zero_point;
    vector.min = p->activation_min;
    vector.max = p->activation_max;
    for (int32_t i = 0; i < p->batch * tiles; i++) {
        const int32_t at = p->reverse ? p->batch * tiles - 1 - i : i;
        const int32_t first = at % tiles * p->tile_channels;
        vector.output = output + at / tiles * p->output_c + first;
        channels_of(p, input + at / tiles * p->input_c, first, words, &vector);
    }
}
