#include "mcuq_depthwise_conv2d_window_s8_mac16.h"

#include "mcuq_fixedpoint.h"
#include "mcuq_mac16_window.h"

void mcuq_depthwise_conv2d_window_s8_mac16(const mcuq_depthwise_conv2d_window_s8_mac16_params *params,
                                           const int8_t *input, int8_t *output, void *scratch) {
    const mcuq_depthwise_conv2d_window_s8_mac16_params *const p = params;
    const mcuq_mac16_window window = {p->weights, p->bias, p->multiplier, p->per_channel, p->channels,
                                      p->taps,    input,   p->step,       output,         p->output_zero_point};
    (void)scratch;
    mcuq_mac16_window_run(&window);
    if (p->activation_min > INT8_MIN || p->activation_max < INT8_MAX) {
        for (int32_t c = 0; c < p->channels; c++) {
            output[c] = mcuq_clamp_s8(output[c], p->activation_min, p->activation_max);
        }
    }
}
