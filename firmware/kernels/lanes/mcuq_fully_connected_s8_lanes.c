#include "mcuq_fully_connected_s8_lanes.h"

#include "mcuq_vectors_bytes.h"

static void vector(const mcuq_fully_connected_s8_lanes_params *p, const mcuq_scales *scales, const int8_t *x,
                   int8_t *out, uint32_t *surplus) {
    const mcuq_vector_matrix m = {p->input_c, p->output_c, p->chunk, p->weights, p->extra, p->bias};
    const int32_t *extra = m.extra;
    mcuq_vector_surplus(&m, x, surplus);
    int32_t channel = 0;
    for (; channel + MCUQ_VECTOR_BLOCK <= m.output_c; channel += MCUQ_VECTOR_BLOCK) {
        int32_t acc[MCUQ_VECTOR_BLOCK];
        mcuq_vector_eight(&m, channel, x, surplus, &extra, 0, acc);
        for (int32_t i = 0; i < MCUQ_VECTOR_BLOCK; i++) {
            out[channel + i] = mcuq_scaled(acc[i], mcuq_scale_of(scales, channel + i));
        }
    }
    for (; channel < m.output_c; channel++) {
        out[channel] = mcuq_scaled(mcuq_vector_one(&m, channel, x), mcuq_scale_of(scales, channel));
    }
}

void mcuq_fully_connected_s8_lanes(const mcuq_fully_connected_s8_lanes_params *params, const int8_t *input,
                                   int8_t *output, void *scratch) {
    const mcuq_fully_connected_s8_lanes_params *const p = params;
    const mcuq_scales scales = {p->output_zero_point, p->per_channel, p->multiplier, p->shift};
    for (int32_t i = 0; i < p->batch; i++) {
        const int32_t b = p->reverse ? p->batch - 1 - i : i;
        int8_t *const out = output + b * p->output_c;
        vector(p, &scales, input + b * p->input_c, out, scratch);
        mcuq_limit(out, p->output_c, p->activation_min, p->activation_max);
    }
}
