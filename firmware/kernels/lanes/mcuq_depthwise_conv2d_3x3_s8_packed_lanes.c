#include "mcuq_depthwise_conv2d_3x3_s8_packed_lanes.h"

#include <stddef.h>

#include "mcuq_depthwise_conv2d_3x3_s8_lanes.h"
#include "mcuq_packed.h"

void mcuq_depthwise_conv2d_3x3_s8_packed_lanes(const mcuq_depthwise_conv2d_3x3_s8_packed_lanes_params *params,
                                               const int8_t *input, int8_t *output, void *scratch) {
    const mcuq_depthwise_conv2d_3x3_s8_packed_lanes_params *const p = params;
    int8_t *const weights = scratch;
    const int32_t taps = 9;
    const int32_t bytes = mcuq_packed_bytes(taps, p->bits);
    for (int32_t c = 0; c < p->channels; c++) {
        const int8_t *const levels = p->levels + ((int32_t)p->codebook[c * p->per_group] << p->bits);
        mcuq_unpack(p->weights + c * bytes, p->bits, levels, taps, weights + c * taps);
    }
    const mcuq_depthwise_conv2d_3x3_s8_lanes_params layer = {
        .input_h = p->input_h,
        .input_w = p->input_w,
        .channels = p->channels,
        .output_h = p->output_h,
        .output_w = p->output_w,
        .stride = p->stride,
        .pad_top = p->pad_top,
        .pad_left = p->pad_left,
        .input_zero_point = p->input_zero_point,
        .output_zero_point = p->output_zero_point,
        .activation_min = p->activation_min,
        .activation_max = p->activation_max,
        .per_channel = p->per_channel,
        .block = p->block,
        .end = p->end,
        .blocks = p->blocks,
        .reverse = p->reverse,
        .weights = weights,
        .bias = p->bias,
        .multiplier = p->multiplier,
        .shift = p->shift,
    };
    mcuq_depthwise_conv2d_3x3_s8_lanes(&layer, input, output, NULL);
}
