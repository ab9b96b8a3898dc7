#include "mcuq_conv2d_s8_mac16.h"

#include "mcuq_mac16_conv.h"
#include "mcuq_mac16_dot.h"

void mcuq_conv2d_s8_mac16(const mcuq_conv2d_s8_mac16_params *params, const int8_t *input, int8_t *output,
                          void *scratch) {
    const mcuq_conv2d_s8_mac16_params *const p = params;
    const int32_t last_y = (p->output_h - 1) / p->tile_rows * p->tile_rows;
    const int32_t last_x = (p->output_w - 1) / p->tile_pixels * p->tile_pixels;
    mcuq_mac16_dot dot = {0};
    mcuq_mac16_conv_begin(p, scratch, &dot);
    for (int32_t y = 0; y <= last_y; y += p->tile_rows) {
        for (int32_t x = 0; x <= last_x; x += p->tile_pixels) {
            mcuq_mac16_conv_tile(p, input, output, p->reverse ? last_y - y : y, p->reverse ? last_x - x : x, &dot);
            mcuq_mac16_dot_tile(&dot);
        }
    }
}
