#include "mcuq_depthwise_conv2d_packed_s8_s3.h"

#include "mcuq_s3_depthwise_packed.h"
#include "mcuq_s3_strip.h"

void mcuq_depthwise_conv2d_packed_s8_s3(const mcuq_depthwise_conv2d_packed_s8_s3_params *params, const int8_t *input,
                                        int8_t *output, void *scratch) {
    const mcuq_depthwise_conv2d_packed_s8_s3_params *const p = params;
    mcuq_s3_strip strip = MCUQ_S3_STRIP(p, input, output, scratch);
    mcuq_s3_window window = MCUQ_S3_WINDOW(p, scratch);
    window.records = p->records;
    window.bits = p->bits;
    mcuq_s3_set_columns(&window, p->columns, p->column_step);
    mcuq_s3_set_limits(scratch, p->activation_min, p->activation_max);
    mcuq_s3_strip_run(&strip, &window, mcuq_s3_depthwise_packed);
}
