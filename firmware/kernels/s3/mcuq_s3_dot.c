#include "mcuq_s3_dot.h"

#include "mcuq_s3_floor.h"
#include "mcuq_s3_isa.h"

#if !MCUQ_S3

static void pixel(const mcuq_s3_dot *dot, const int8_t *record, int32_t form, int8_t *output) {
    const int8_t *const x = dot->scratch + MCUQ_S3_SCRATCH_BYTES;
    for (int32_t lane = 0; lane < MCUQ_S3_LANES; lane++) {
        const int8_t *const weights = record + mcuq_s3_head_bytes(form) + lane;
        int32_t sum = mcuq_s3_start(record, form, lane);
        for (int32_t k = 0; k < dot->taps; k++) {
            sum += x[k] * weights[MCUQ_S3_LANES * k];
        }
        output[lane] = mcuq_s3_floor(record, dot->taps, form, lane, sum);
    }
}

static void pixels(const mcuq_s3_dot *dot, int32_t form) {
    const int32_t bytes = mcuq_s3_record_bytes(dot->taps, form);
    int8_t *output = dot->output;
    for (int32_t i = 0; i < dot->pixels; i++) {
        memcpy(dot->scratch + MCUQ_S3_SCRATCH_BYTES, dot->input + i * dot->input_step, (size_t)dot->taps);
        for (int32_t group = 0; group < dot->groups; group++, output += MCUQ_S3_LANES) {
            pixel(dot, dot->records + group * bytes, form, output);
        }
    }
}

void mcuq_s3_dot_narrow(const mcuq_s3_dot *dot) {
    pixels(dot, MCUQ_S3_NARROW);
}

void mcuq_s3_dot_wide(const mcuq_s3_dot *dot) {
    pixels(dot, MCUQ_S3_WIDE);
}

#else

typedef int mcuq_s3_dot_is_assembly; /* a file must not be empty */

#endif
