/* Fully connected layer for the ESP32's MAC16 with little scratch, int8.
 * Meaning: mcuq/kernels/mac16/fully_connected_parts.py. */
#ifndef MCUQ_FULLY_CONNECTED_S8_PARTS_MAC16_H
#define MCUQ_FULLY_CONNECTED_S8_PARTS_MAC16_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t batch; /* vectors */
    int32_t input_c;
    int32_t output_c;
    int32_t output_zero_point;
    int32_t activation_min;
    int32_t activation_max;
    int32_t per_channel;       /* 1: one multiplier per output channel, 0: one for all */
    int32_t reverse;           /* 1: last outputs first, so that the output may lie behind the input */
    int32_t taps;              /* input_c, filled up to a multiple of 4 */
    int32_t tile_channels;     /* outputs that are computed together */
    int32_t tile_taps;         /* inputs that are in scratch at a time, a multiple of 4 */
    const uint8_t *weights;    /* (output_c * taps), tile by tile, even ones 128 more than they are */
    const int32_t *bias;       /* (output_c), negated, with what the offsets of x add; and right shifts */
    const int32_t *multiplier; /* (output_c) or (1) */
} mcuq_fully_connected_s8_parts_mac16_params;

/* input (batch, input_c), output (batch, output_c); scratch (tile_channels) int32: sums, (tile_taps) int16: inputs. */
void mcuq_fully_connected_s8_parts_mac16(const mcuq_fully_connected_s8_parts_mac16_params *params, const int8_t *input,
                                         int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
