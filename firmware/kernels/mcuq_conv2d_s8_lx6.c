#include "mcuq_conv2d_s8_lx6.h"

#include "mcuq_lx6_conv.h"
#include "mcuq_lx6_dot.h"

void mcuq_conv2d_s8_lx6(const mcuq_conv2d_s8_lx6_params *params, const int8_t *input, int8_t *output, void *scratch) {
    const mcuq_conv2d_s8_lx6_params *const p = params;
    const int32_t last_y = (p->output_h - 1) / p->tile_rows * p->tile_rows;
    const int32_t last_x = (p->output_w - 1) / p->tile_pixels * p->tile_pixels;
    mcuq_lx6_dot dot = {0};
    mcuq_lx6_conv_begin(p, scratch, &dot);
    for (int32_t y = 0; y <= last_y; y += p->tile_rows) {
        for (int32_t x = 0; x <= last_x; x += p->tile_pixels) {
            mcuq_lx6_conv_tile(p, input, output, p->reverse ? last_y - y : y, p->reverse ? last_x - x : x, &dot);
            mcuq_lx6_dot_tile(&dot);
        }
    }
}
