#include "mcuq_conv2d_1x1_s8_s3.h"

#include "mcuq_s3_dot.h"

void mcuq_conv2d_1x1_s8_s3(const mcuq_conv2d_1x1_s8_s3_params *params, const int8_t *input, int8_t *output,
                           void *scratch) {
    const mcuq_conv2d_1x1_s8_s3_params *const p = params;
    const int32_t input_row = p->stride_h * p->input_w * p->input_c;
    const int32_t output_row = p->output_w * p->output_c;
    mcuq_s3_dot dot = {0};
    dot.records = p->records;
    dot.taps = p->input_c;
    dot.groups = p->output_c / MCUQ_S3_LANES;
    dot.pixels = p->output_w;
    dot.input_step = p->stride_w * p->input_c;
    dot.scratch = scratch;
    dot.constants = mcuq_s3_constants;
    mcuq_s3_set_limits(dot.scratch, p->activation_min, p->activation_max);
    for (int32_t i = 0; i < p->output_h; i++) {
        const int32_t y = p->reverse ? p->output_h - 1 - i : i;
        dot.input = input + y * input_row;
        dot.output = output + y * output_row;
        mcuq_s3_dot_all(&dot);
    }
}
