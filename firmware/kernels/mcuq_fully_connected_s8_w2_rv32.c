#include "mcuq_fully_connected_s8_w2_rv32.h"

typedef mcuq_fully_connected_s8_w2_rv32_params mcuq_layer;
enum { MCUQ_BITS = 2 };
#include "mcuq_vectors_bits.h"

void mcuq_fully_connected_s8_w2_rv32(const mcuq_fully_connected_s8_w2_rv32_params *params, const int8_t *input,
                                     int8_t *output, void *scratch) {
    mcuq_multiply_vectors(params, input, output, scratch);
}
