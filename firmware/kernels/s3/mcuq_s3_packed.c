#include "mcuq_s3_packed.h"

#include "mcuq_s3_floor.h"
#include "mcuq_s3_isa.h"

#if !MCUQ_S3

static int32_t sum_of(const mcuq_s3_window *window, const int8_t *x, const int8_t *packed, int32_t sum) {
    const int32_t taps = MCUQ_S3_LANES * window->parts * window->blocks;
    for (int32_t row = 0; row < window->rows; row++) {
        for (int32_t k = 0; k < taps; k++) {
            sum += x[row * window->row_step + k] * mcuq_s3_few_bits(packed, row * taps + k, window->bits);
        }
    }
    return sum;
}

void mcuq_s3_packed_all(const mcuq_s3_window *window) {
    const int32_t bytes = window->rows * MCUQ_S3_LANES * window->parts * window->blocks * window->bits / 8;
    int8_t *output = window->output;
    for (int32_t pixel = 0; pixel < window->pixels; pixel++) {
        const int8_t *record = window->records;
        for (int32_t group = 0; group < window->groups; group++) {
            for (int32_t lane = 0; lane < MCUQ_S3_LANES; lane++) {
                const int8_t *const x = window->input + pixel * window->input_step;
                const int32_t sum = sum_of(window, x, mcuq_s3_weights(record, lane), mcuq_s3_start(record, lane));
                *output++ = mcuq_s3_floor(record, bytes, lane, sum, window->scratch);
            }
            record += mcuq_s3_record_bytes(record, bytes);
        }
    }
}

#else

typedef int mcuq_s3_packed_is_assembly; /* a file must not be empty */

#endif
