#include "mcuq_max_pool_strip_s8_s3.h"

#include "mcuq_s3_max.h"
#include "mcuq_s3_strip.h"

void mcuq_max_pool_strip_s8_s3(const mcuq_max_pool_strip_s8_s3_params *params, const int8_t *input, int8_t *output,
                               void *scratch) {
    const mcuq_max_pool_strip_s8_s3_params *const p = params;
    mcuq_s3_strip strip = MCUQ_S3_STRIP(p, input, output, scratch);
    mcuq_s3_window window = MCUQ_S3_WINDOW(p, scratch);
    window.columns = p->columns;
    window.column_step = p->column_step;
    mcuq_s3_set_limits(scratch, p->activation_min, p->activation_max);
    mcuq_s3_strip_run(&strip, &window, mcuq_s3_max_all);
}
