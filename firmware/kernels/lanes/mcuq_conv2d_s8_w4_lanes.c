#include "mcuq_conv2d_s8_w4_lanes.h"

typedef mcuq_conv2d_s8_w4_lanes_params mcuq_image;
enum { MCUQ_GROUP = 4, MCUQ_GRAIN = 2 };
#include "mcuq_lanes_bits.h"

void mcuq_conv2d_s8_w4_lanes(const mcuq_conv2d_s8_w4_lanes_params *params, const int8_t *input, int8_t *output,
                             void *scratch) {
    mcuq_convolve_blocks(params, input, output, scratch, 0);
}
