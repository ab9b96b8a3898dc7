#include "mcuq_conv2d_packed_s8_s3.h"

#include "mcuq_s3_packed.h"
#include "mcuq_s3_strip.h"

void mcuq_conv2d_packed_s8_s3(const mcuq_conv2d_packed_s8_s3_params *params, const int8_t *input, int8_t *output,
                              void *scratch) {
    const mcuq_conv2d_packed_s8_s3_params *const p = params;
    int8_t *const bytes = scratch;
    mcuq_s3_strip strip = {0};
    strip.input = input;
    strip.input_h = p->input_h;
    strip.input_row = p->input_row;
    strip.row_bytes = p->row_bytes;
    strip.padding = p->input_zero_point;
    strip.rows = p->strip_rows;
    strip.pitch = p->pitch;
    strip.lead = p->lead;
    strip.strip = bytes + MCUQ_S3_STRIP_AT;
    int8_t *const buffer = strip.strip + p->strip_rows * p->pitch + MCUQ_S3_STRIP_END;
    mcuq_s3_window window = {0};
    window.input = strip.strip + p->origin;
    window.records = p->records;
    window.groups = p->groups;
    window.pixels = p->output_w;
    window.input_step = p->input_step;
    window.rows = p->window_rows;
    window.row_step = p->row_step;
    window.parts = p->parts;
    window.blocks = p->blocks;
    window.bits = p->bits;
    window.scratch = bytes;
    window.constants = mcuq_s3_constants;
    mcuq_s3_set_limits(bytes, p->activation_min, p->activation_max);
    mcuq_s3_strip_begin(&strip);
    for (int32_t y = 0; y < p->output_h; y++) {
        mcuq_s3_strip_move(&strip, y * p->stride_h - p->pad_top);
        window.output = p->buffered ? buffer : output + y * p->output_w * p->output_c;
        mcuq_s3_packed_all(&window);
        if (p->buffered) {
            mcuq_s3_strip_out(output, y, buffer, p->output_w, p->output_c);
        }
    }
}
