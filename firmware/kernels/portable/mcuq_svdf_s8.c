#include "mcuq_svdf_s8.h"

#include "mcuq_fixedpoint.h"

static int32_t limited(int32_t x, int32_t low, int32_t high) {
    return x < low ? low : x > high ? high : x;
}

static int32_t feature(const mcuq_svdf_s8_params *p, int32_t filter, const int8_t *x) {
    const int8_t *const w = p->features + filter * p->input_c;
    int32_t acc = p->feature_bias[filter];
    for (int32_t k = 0; k < p->input_c; k++) {
        acc += w[k] * x[k];
    }
    return limited(mcuq_requantize(acc, p->feature_multiplier, p->feature_shift), p->state_min, p->state_max);
}

/* One filter: its memory moves on by a step, and is weighted. */
static int64_t along_time(const int16_t *time, const int16_t *state, int16_t *to, int32_t memory, int32_t fresh) {
    int64_t acc = 0;
    for (int32_t k = 0; k < memory; k++) {
        to[k] = (int16_t)(k + 1 < memory ? state[k + 1] : fresh);
        acc += time[k] * to[k];
    }
    return acc;
}

void mcuq_svdf_s8(const mcuq_svdf_s8_params *params, const int8_t *input, const int16_t *state, int8_t *output,
                  int16_t *state_out, void *scratch) {
    (void)scratch;
    const mcuq_svdf_s8_params *const p = params;
    int32_t filter = 0;
    for (int32_t u = 0; u < p->units; u++) {
        int64_t acc = p->bias[u];
        for (int32_t r = 0; r < p->rank; r++, filter++) {
            const int32_t place = filter * p->memory;
            const int32_t fresh = feature(p, filter, input);
            acc += along_time(p->time + place, state + place, state_out + place, p->memory, fresh);
        }
        const int32_t sum = (int32_t)(acc < INT32_MIN ? INT32_MIN : acc > INT32_MAX ? INT32_MAX : acc);
        const int32_t scaled = mcuq_requantize(sum, p->output_multiplier, p->output_shift);
        output[u] = mcuq_clamp_s8(scaled + p->output_zero_point, INT8_MIN, INT8_MAX);
    }
}
