#include "mcuq_depthwise_conv2d_s8_packed_mac16.h"

#include "mcuq_depthwise_conv2d_s8_mac16.h"
#include "mcuq_packed.h"

/* The weights of one channel to where the kernel for bytes has them: every other byte. */
static void unpack(const uint8_t *packed, int32_t bits, const int8_t *levels, int32_t taps, int8_t *to) {
    const int32_t mask = (1 << bits) - 1;
    int32_t bit = 0;
    for (int32_t tap = 0; tap < taps; tap++, to += 2) {
        *to = levels[*packed >> bit & mask];
        bit += bits;
        if (bit == 8) {
            bit = 0;
            packed++;
        }
    }
    if (taps % 2 != 0) {
        *to = 0;
    }
}

/* All of them, (channels / 2, taps / 2, tap, channel), both even; returns how many. */
static int32_t unpack_all(const mcuq_depthwise_conv2d_s8_packed_mac16_params *p, int8_t *to) {
    const int32_t taps = p->filter_h * p->filter_w;
    const int32_t bytes = mcuq_packed_bytes(taps, p->bits);
    const int32_t even = taps + taps % 2;
    for (int32_t c = 0; c < p->input_c; c++) {
        const int8_t *const levels = p->levels + (p->codebook[c * p->per_group] << p->bits);
        unpack(p->weights + c * bytes, p->bits, levels, taps, to + (c - c % 2) * even + c % 2);
    }
    for (int32_t k = 0; p->input_c % 2 != 0 && k < even; k++) {
        to[(p->input_c - 1) * even + 2 * k + 1] = 0;
    }
    return (p->input_c + p->input_c % 2) * even;
}

void mcuq_depthwise_conv2d_s8_packed_mac16(const mcuq_depthwise_conv2d_s8_packed_mac16_params *params,
                                           const int8_t *input, int8_t *output, void *scratch) {
    const mcuq_depthwise_conv2d_s8_packed_mac16_params *const p = params;
    int8_t *const weights = scratch;
    int8_t *const behind = weights + unpack_all(p, weights);
    const mcuq_depthwise_conv2d_s8_mac16_params in_bytes = {
        p->input_h,          p->input_w,           p->input_c,        p->output_h,       p->output_w,    p->filter_h,
        p->filter_w,         p->stride_h,          p->stride_w,       p->dilation_h,     p->pad_top,     p->pad_left,
        p->input_zero_point, p->output_zero_point, p->activation_min, p->activation_max, p->per_channel, p->reverse,
        p->tile_rows,        p->tile_pixels,       weights,           p->bias,           p->multiplier};
    mcuq_depthwise_conv2d_s8_mac16(&in_bytes, input, output, behind);
}
