/* Fully connected layer for the ESP32's MAC16, one vector, weights of 2 or 4 bits. Meaning:
 * mcuq/kernels/mac16/fully_connected_packed.py. */
#ifndef MCUQ_FULLY_CONNECTED_S8_PACKED_MAC16_H
#define MCUQ_FULLY_CONNECTED_S8_PACKED_MAC16_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t input_c;
    int32_t output_c;
    int32_t output_zero_point;
    int32_t activation_min;
    int32_t activation_max;
    int32_t per_channel;       /* 1: one multiplier per output channel, 0: one for all */
    int32_t bits;              /* of a weight: 2 or 4 */
    int32_t form;              /* of weights: 0: integers, 1: indices of levels by pairs */
    const uint8_t *weights;    /* (output_c, bytes of a filter): mcuq_mac16_vector_packed.h */
    const int32_t *bias;       /* (output_c), negated, with what x being 127 - input adds; and right shifts */
    const int32_t *multiplier; /* (output_c) or (1) */
    const int16_t *pairs;      /* (codebooks, 2^(2 * bits), 2), of form 1 */
    const int8_t *levels;      /* (codebooks, 2^bits) */
    const uint8_t *codebook;   /* (output_c) or (1) */
    int32_t per_group;         /* 1: each output channel says which levels are its, 0: all have the same */
} mcuq_fully_connected_s8_packed_mac16_params;

/* input (input_c), output (output_c); scratch: the vector in int16, filled up to whole words of weights. */
void mcuq_fully_connected_s8_packed_mac16(const mcuq_fully_connected_s8_packed_mac16_params *params,
                                          const int8_t *input, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
