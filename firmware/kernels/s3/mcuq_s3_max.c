#include "mcuq_s3_max.h"

#include "mcuq_s3_isa.h"

#if !MCUQ_S3

static int8_t largest_of(const mcuq_s3_window *window, const int8_t *x, const int8_t *limits) {
    int8_t largest = limits[0];
    for (int32_t row = 0; row < window->rows; row++) {
        for (int32_t column = 0; column < window->columns; column++) {
            const int8_t value = x[row * window->row_step + column * window->column_step];
            largest = value > largest ? value : largest;
        }
    }
    return largest < limits[1] ? largest : limits[1];
}

void mcuq_s3_max_all(const mcuq_s3_window *window) {
    const int8_t *const limits = window->scratch + MCUQ_S3_LIMITS_AT;
    int8_t *output = window->output;
    for (int32_t pixel = 0; pixel < window->pixels; pixel++) {
        const int8_t *const x = window->input + pixel * window->input_step;
        for (int32_t channel = 0; channel < MCUQ_S3_LANES * window->groups; channel++) {
            *output++ = largest_of(window, x + channel, limits);
        }
    }
}

#else

typedef int mcuq_s3_max_is_assembly; /* a file must not be empty */

#endif
