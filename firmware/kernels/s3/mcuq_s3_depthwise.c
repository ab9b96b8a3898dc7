#include "mcuq_s3_depthwise.h"

#include "mcuq_s3_floor.h"
#include "mcuq_s3_isa.h"

#if !MCUQ_S3

static int32_t sum_of(const mcuq_s3_window *window, const int8_t *x, const int8_t *weights, int32_t sum) {
    for (int32_t row = 0; row < window->rows; row++) {
        for (int32_t column = 0; column < window->columns; column++, weights += MCUQ_S3_LANES) {
            sum += x[row * window->row_step + column * window->column_step] * *weights;
        }
    }
    return sum;
}

static void outputs(const mcuq_s3_window *window, int32_t form) {
    const int32_t taps = window->rows * window->columns;
    int8_t *output = window->output;
    for (int32_t pixel = 0; pixel < window->pixels; pixel++) {
        const int8_t *record = window->records;
        const int8_t *x = window->input + pixel * window->input_step;
        for (int32_t group = 0; group < window->groups; group++, record += mcuq_s3_record_bytes(taps, form)) {
            for (int32_t lane = 0; lane < MCUQ_S3_LANES; lane++) {
                const int8_t *const weights = record + mcuq_s3_head_bytes(form) + lane;
                const int32_t sum = sum_of(window, x++, weights, mcuq_s3_start(record, form, lane));
                *output++ = mcuq_s3_floor(record, taps, form, lane, sum);
            }
        }
    }
}

void mcuq_s3_depthwise_narrow(const mcuq_s3_window *window) {
    outputs(window, MCUQ_S3_NARROW);
}

void mcuq_s3_depthwise_wide(const mcuq_s3_window *window) {
    outputs(window, MCUQ_S3_WIDE);
}

void mcuq_s3_depthwise_long(const mcuq_s3_window *window) {
    outputs(window, MCUQ_S3_LONG);
}

#else

typedef int mcuq_s3_depthwise_is_assembly; /* a file must not be empty */

#endif
