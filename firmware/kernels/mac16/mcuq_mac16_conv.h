/* What the MAC16 convolutions share, whatever their weights: the columns under a tile of pixels, widened. */
#ifndef MCUQ_MAC16_CONV_H
#define MCUQ_MAC16_CONV_H

#include <stdint.h>

#include "mcuq_conv2d_s8_mac16.h"
#include "mcuq_mac16_dot.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What all tiles have in common. */
void mcuq_mac16_conv_begin(const mcuq_conv2d_s8_mac16_params *params, void *scratch, mcuq_mac16_dot *dot);

/* The tile whose first output pixel is (y, x): its columns go to dot->x. */
void mcuq_mac16_conv_tile(const mcuq_conv2d_s8_mac16_params *params, const int8_t *input, int8_t *output, int32_t y,
                          int32_t x, mcuq_mac16_dot *dot);

#ifdef __cplusplus
}
#endif

#endif
