#include "mcuq_s3_window.h"

#include "mcuq_s3_floor.h"
#include "mcuq_s3_isa.h"

#if !MCUQ_S3

static int32_t sum_of(const mcuq_s3_window *window, const int8_t *x, const int8_t *weights, int32_t sum) {
    const int32_t taps = MCUQ_S3_LANES * window->parts * window->blocks + window->rest;
    for (int32_t row = 0; row < window->rows; row++) {
        for (int32_t k = 0; k < taps; k++, weights += MCUQ_S3_LANES) {
            sum += x[row * window->row_step + k] * *weights;
        }
    }
    return sum;
}

static void outputs(const mcuq_s3_window *window) {
    const int32_t taps = window->rows * (MCUQ_S3_LANES * window->parts * window->blocks + window->rest);
    int8_t *output = window->output;
    for (int32_t pixel = 0; pixel < window->pixels; pixel++) {
        const int8_t *record = window->records;
        for (int32_t group = 0; group < window->groups; group++) {
            for (int32_t lane = 0; lane < MCUQ_S3_LANES; lane++) {
                const int8_t *const x = window->input + pixel * window->input_step;
                const int8_t *const weights = mcuq_s3_weights(record, lane);
                const int32_t sum = sum_of(window, x, weights, mcuq_s3_start(record, lane));
                *output++ = mcuq_s3_floor(record, taps, lane, sum, window->scratch);
            }
            record += mcuq_s3_record_bytes(record, taps);
        }
    }
}

void mcuq_s3_window_short(const mcuq_s3_window *window) {
    outputs(window);
}

void mcuq_s3_window_long(const mcuq_s3_window *window) {
    outputs(window);
}

#else

typedef int mcuq_s3_window_is_assembly; /* a file must not be empty */

#endif
