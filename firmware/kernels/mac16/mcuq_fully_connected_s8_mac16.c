#include "mcuq_fully_connected_s8_mac16.h"

#include "mcuq_mac16_vector.h"

enum { NEUTRAL_EVEN = -1, NEUTRAL_ODD = -128 }; /* inputs that become 0 */

/* Four inputs as mcuq_mac16_vector.h says; returns what the offset of the even weights needs, 1/128 of it. */
static inline int32_t four(int32_t x0, int32_t x1, int32_t x2, int32_t x3, int16_t *to) {
    const int32_t a1 = -128 - x1;
    const int32_t a3 = -128 - x3;
    to[0] = (int16_t)a1;
    to[1] = (int16_t)a3;
    to[2] = (int16_t)((-1 - x0) * 256 - a1);
    to[3] = (int16_t)((-1 - x2) * 256 - a3);
    return x0 + x2 + 2;
}

static int32_t prepare(const int8_t *input, int32_t count, int16_t *to) {
    const int32_t rest = count % 4;
    const int32_t whole = count - rest;
    int32_t sum = 0;
    for (int32_t k = 0; k < whole; k += 4) {
        sum += four(input[k], input[k + 1], input[k + 2], input[k + 3], to + k);
    }
    if (rest > 0) {
        const int8_t *const last = input + whole;
        const int32_t x1 = rest > 1 ? last[1] : NEUTRAL_ODD;
        const int32_t x2 = rest > 2 ? last[2] : NEUTRAL_EVEN;
        sum += four(last[0], x1, x2, NEUTRAL_ODD, to + whole);
    }
    return sum;
}

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
        vector.addition = 128 * prepare(input + b * p->input_c, p->input_c, scratch);
        vector.output = output + b * p->output_c;
        mcuq_mac16_vector_run(&vector);
    }
}
