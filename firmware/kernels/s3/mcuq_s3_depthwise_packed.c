#include "mcuq_s3_depthwise_packed.h"

#include "mcuq_s3_floor.h"
#include "mcuq_s3_isa.h"

#if !MCUQ_S3

static int32_t sum_of(const mcuq_s3_window *window, const int8_t *x, const int8_t *packed, int32_t sum) {
    const int32_t vectors = (window->columns * window->bits + 7) / 8;
    for (int32_t row = 0; row < window->rows; row++, packed += MCUQ_S3_LANES * vectors) {
        for (int32_t column = 0; column < window->columns; column++) {
            const int8_t value = x[row * window->row_step + column * window->column_step];
            sum += value * mcuq_s3_few_bits(packed, column, window->bits);
        }
    }
    return sum;
}

void mcuq_s3_depthwise_packed(const mcuq_s3_window *window) {
    const int32_t bytes = window->rows * ((window->columns * window->bits + 7) / 8); /* of a lane's weights */
    int8_t *output = window->output;
    for (int32_t pixel = 0; pixel < window->pixels; pixel++) {
        const int8_t *record = window->records;
        const int8_t *x = window->input + pixel * window->input_step;
        for (int32_t group = 0; group < window->groups; group++) {
            for (int32_t lane = 0; lane < MCUQ_S3_LANES; lane++) {
                const int32_t sum = sum_of(window, x++, mcuq_s3_weights(record, lane), mcuq_s3_start(record, lane));
                *output++ = mcuq_s3_floor(record, bytes, lane, sum, window->scratch);
            }
            record += mcuq_s3_record_bytes(record, bytes);
        }
    }
}

#else

typedef int mcuq_s3_depthwise_packed_is_assembly; /* a file must not be empty */

#endif
