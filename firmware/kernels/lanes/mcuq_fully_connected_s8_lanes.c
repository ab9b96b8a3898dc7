#include "mcuq_fully_connected_s8_lanes.h"

#include "mcuq_vectors_bytes.h"

void mcuq_fully_connected_s8_lanes(const mcuq_fully_connected_s8_lanes_params *params, const int8_t *input,
                                   int8_t *output, void *scratch) {
    const mcuq_fully_connected_s8_lanes_params *const p = params;
    const mcuq_scales scales = {p->output_zero_point, p->per_channel, p->multiplier, p->shift};
    const mcuq_vector_matrix m = {p->input_c, p->output_c, p->chunk, p->weights, p->extra, p->bias};
    for (int32_t i = 0; i < p->batch; i++) {
        const int32_t b = p->reverse ? p->batch - 1 - i : i;
        int8_t *const out = output + b * p->output_c;
        mcuq_vector x = mcuq_vector_ready(&m, input + b * p->input_c, scratch);
        int32_t count;
        for (int32_t channel = 0; channel < p->output_c; channel += count) {
            int32_t acc[MCUQ_VECTOR_BLOCK];
            count = mcuq_vector_accumulate(&m, &x, channel, acc);
            for (int32_t k = 0; k < count; k++) {
                out[channel + k] = mcuq_scaled(acc[k], mcuq_scale_of(&scales, channel + k));
            }
        }
        mcuq_limit(out, p->output_c, p->activation_min, p->activation_max);
    }
}
