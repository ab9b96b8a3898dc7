#include "mcuq_conv2d_s8_packed_mac16.h"

#include "mcuq_conv2d_s8_mac16.h"
#include "mcuq_mac16_conv.h"
#include "mcuq_mac16_dot_packed.h"

/* The members that the kernel for a byte per weight has as well. */
static mcuq_conv2d_s8_mac16_params shared(const mcuq_conv2d_s8_packed_mac16_params *p) {
    const mcuq_conv2d_s8_mac16_params same = {
        p->input_h,        p->input_w,          p->input_c,           p->output_h,
        p->output_w,       p->output_c,         p->filter_h,          p->filter_w,
        p->stride_h,       p->stride_w,         p->dilation_h,        p->pad_top,
        p->pad_left,       p->input_zero_point, p->output_zero_point, p->activation_min,
        p->activation_max, p->per_channel,      p->reverse,           p->column,
        p->taps,           p->tile_rows,        p->tile_pixels,       (const int8_t *)p->weights,
        p->bias,           p->multiplier};
    return same;
}

/* What columns are filled up with is 0, for weights there may be anything; and filters begin as zeros. */
static void clear(int16_t *from, const int16_t *end) {
    for (; from != end; from++) {
        *from = 0;
    }
}

void mcuq_conv2d_s8_packed_mac16(const mcuq_conv2d_s8_packed_mac16_params *params, const int8_t *input, int8_t *output,
                                 void *scratch) {
    const mcuq_conv2d_s8_packed_mac16_params *const p = params;
    const mcuq_conv2d_s8_mac16_params same = shared(p);
    const int32_t last_y = (p->output_h - 1) / p->tile_rows * p->tile_rows;
    const int32_t last_x = (p->output_w - 1) / p->tile_pixels * p->tile_pixels;
    mcuq_mac16_dot_packed dot = {{0}, p->bits, p->form, p->pairs, p->levels, p->codebook, p->per_group};
    mcuq_mac16_conv_begin(&same, scratch, &dot.tile);
    clear(dot.tile.x, dot.tile.filter + p->taps);
    for (int32_t y = 0; y <= last_y; y += p->tile_rows) {
        for (int32_t x = 0; x <= last_x; x += p->tile_pixels) {
            mcuq_mac16_conv_tile(&same, input, output, p->reverse ? last_y - y : y, p->reverse ? last_x - x : x,
                                 &dot.tile);
            mcuq_mac16_dot_packed_tile(&dot);
        }
    }
}
