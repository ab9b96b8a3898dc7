#include "mcuq_s3_dot.h"

#include "mcuq_s3_floor.h"
#include "mcuq_s3_isa.h"

#if !MCUQ_S3

static void outputs(const mcuq_s3_dot *dot, const int8_t *record, int8_t *output) {
    const int8_t *const x = dot->scratch + MCUQ_S3_SCRATCH_BYTES;
    for (int32_t lane = 0; lane < MCUQ_S3_LANES; lane++) {
        const int8_t *const weights = mcuq_s3_weights(record, lane);
        int32_t sum = mcuq_s3_start(record, lane);
        for (int32_t k = 0; k < dot->taps; k++) {
            sum += x[k] * weights[MCUQ_S3_LANES * k];
        }
        output[lane] = mcuq_s3_floor(record, dot->taps, lane, sum, dot->scratch);
    }
}

void mcuq_s3_dot_all(const mcuq_s3_dot *dot) {
    int8_t *output = dot->output;
    for (int32_t i = 0; i < dot->pixels; i++) {
        const int8_t *record = dot->records;
        memcpy(dot->scratch + MCUQ_S3_SCRATCH_BYTES, dot->input + i * dot->input_step, (size_t)dot->taps);
        for (int32_t group = 0; group < dot->groups; group++, output += MCUQ_S3_LANES) {
            outputs(dot, record, output);
            record += mcuq_s3_record_bytes(record, dot->taps);
        }
    }
}

#else

typedef int mcuq_s3_dot_is_assembly; /* a file must not be empty */

#endif
