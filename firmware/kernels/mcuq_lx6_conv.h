/* What the LX6 convolutions share, whatever their weights: the columns under a tile of pixels, widened. */
#ifndef MCUQ_LX6_CONV_H
#define MCUQ_LX6_CONV_H

#include <stdint.h>

#include "mcuq_conv2d_s8_lx6.h"
#include "mcuq_lx6_dot.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What all tiles have in common. */
void mcuq_lx6_conv_begin(const mcuq_conv2d_s8_lx6_params *params, void *scratch, mcuq_lx6_dot *dot);

/* The tile whose first output pixel is (y, x): its columns go to dot->x. */
void mcuq_lx6_conv_tile(const mcuq_conv2d_s8_lx6_params *params, const int8_t *input, int8_t *output, int32_t y,
                        int32_t x, mcuq_lx6_dot *dot);

#ifdef __cplusplus
}
#endif

#endif
