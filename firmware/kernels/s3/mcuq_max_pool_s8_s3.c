#include "mcuq_max_pool_s8_s3.h"

#include "mcuq_s3_pool.h"

void mcuq_max_pool_s8_s3(const mcuq_max_pool_s8_s3_params *params, const int8_t *input, int8_t *output, void *scratch) {
    const mcuq_max_pool_s8_s3_params *const p = params;
    mcuq_s3_pool pool = {0};
    pool.groups = p->channels / MCUQ_S3_LANES;
    pool.column_step = p->channels;
    pool.scratch = scratch;
    pool.output = output;
    mcuq_s3_set_limits(pool.scratch, p->activation_min, p->activation_max);
    for (int32_t y = 0; y < p->output_h; y++) {
        for (int32_t x = 0; x < p->output_w; x++, pool.output += p->channels) {
            mcuq_s3_pool_window(&pool, input, p->input_h, p->input_w, y * p->stride_h - p->pad_top,
                                x * p->stride_w - p->pad_left, p->filter_h, p->filter_w);
            mcuq_s3_pool_max(&pool);
        }
    }
}
