#include "mcuq_fully_connected_s8_mac16.h"

#include "mcuq_mac16_channel.h"
#include "mcuq_mac16_vector.h"

void mcuq_fully_connected_s8_mac16(const mcuq_fully_connected_s8_mac16_params *params, const int8_t *input,
                                   int8_t *output, void *scratch) {
    const mcuq_fully_connected_s8_mac16_params *const p = params;
    mcuq_mac16_vector vector = {0};
    vector.weights = p->weights;
    vector.bias = p->bias;
    vector.multiplier = p->multiplier;
    vector.per_channel = p->per_channel;
    vector.channels = p->output_c;
    vector.taps = p->taps;
    vector.x = scratch;
    vector.zero_point = p->output_zero_point;
    vector.min = p->activation_min;
    vector.max = p->activation_max;
    for (int32_t i = 0; i < p->batch; i++) {
        const int32_t b = p->reverse ? p->batch - 1 - i : i;
        vector.addition = mcuq_mac16_in_fours(input + b * p->input_c, p->input_c, scratch);
        vector.output = output + b * p->output_c;
        mcuq_mac16_vector_run(&vector);
    }
}
