#include "mcuq_requantize_s16.h"

#include "mcuq_fixedpoint.h"
#include "mcuq_int16.h"

void mcuq_requantize_s16(const mcuq_requantize_s16_params *params, const void *input, void *output, void *scratch) {
    (void)scratch;
    for (int32_t i = 0; i < params->elements; i++) {
        const int32_t x = params->input_bytes == 1 ? ((const int8_t *)input)[i] : ((const int16_t *)input)[i];
        const int32_t scaled = mcuq_requantize(x - params->input_zero_point, params->multiplier, params->shift);
        const int32_t y = scaled + params->output_zero_point;
        if (params->output_bytes == 1) {
            ((int8_t *)output)[i] = mcuq_clamp_s8(y, -128, 127);
        } else {
            ((int16_t *)output)[i] = (int16_t)mcuq_saturate_s16(y);
        }
    }
}
