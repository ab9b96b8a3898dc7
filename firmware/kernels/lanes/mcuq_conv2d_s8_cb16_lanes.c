#include "mcuq_conv2d_s8_cb16_lanes.h"

typedef mcuq_conv2d_s8_cb16_lanes_params mcuq_image;
enum { MCUQ_BITS = 4 };
#include "mcuq_lanes_codebook.h"

void mcuq_conv2d_s8_cb16_lanes(const mcuq_conv2d_s8_cb16_lanes_params *params, const int8_t *input, int8_t *output,
                               void *scratch) {
    mcuq_convolve_codebook(params, input, output, scratch);
}
