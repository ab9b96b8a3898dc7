#include "mcuq_s3_pool.h"

#include "mcuq_s3_floor.h"
#include "mcuq_s3_isa.h"

#if !MCUQ_S3

void mcuq_s3_pool_average(const mcuq_s3_pool *pool) {
    for (int32_t channel = 0; channel < MCUQ_S3_LANES * pool->groups; channel++) {
        const int32_t lane = channel % MCUQ_S3_LANES;
        int32_t sum = mcuq_s3_start(pool->record, lane);
        for (int32_t row = 0; row < pool->rows; row++) {
            for (int32_t column = 0; column < pool->columns; column++) {
                sum += pool->input[row * pool->row_step + column * pool->column_step + channel];
            }
        }
        pool->output[channel] = mcuq_s3_floor(pool->record, 0, lane, sum, pool->scratch);
    }
}

void mcuq_s3_pool_max(const mcuq_s3_pool *pool) {
    const int8_t *const limits = pool->scratch + MCUQ_S3_LIMITS_AT;
    for (int32_t channel = 0; channel < MCUQ_S3_LANES * pool->groups; channel++) {
        int8_t largest = limits[0];
        for (int32_t row = 0; row < pool->rows; row++) {
            for (int32_t column = 0; column < pool->columns; column++) {
                const int8_t x = pool->input[row * pool->row_step + column * pool->column_step + channel];
                largest = x > largest ? x : largest;
            }
        }
        pool->output[channel] = largest < limits[1] ? largest : limits[1];
    }
}

#else

typedef int mcuq_s3_pool_is_assembly; /* a file must not be empty */

#endif
