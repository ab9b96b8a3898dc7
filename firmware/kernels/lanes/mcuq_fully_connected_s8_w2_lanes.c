#include "mcuq_fully_connected_s8_w2_lanes.h"

typedef mcuq_fully_connected_s8_w2_lanes_params mcuq_layer;
enum { MCUQ_BITS = 2 };
#include "mcuq_vectors_bits.h"

void mcuq_fully_connected_s8_w2_lanes(const mcuq_fully_connected_s8_w2_lanes_params *params, const int8_t *input,
                                      int8_t *output, void *scratch) {
    mcuq_multiply_vectors(params, input, output, scratch);
}
