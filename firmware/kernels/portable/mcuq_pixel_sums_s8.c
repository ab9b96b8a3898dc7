#include "mcuq_pixel_sums_s8.h"

#include <string.h>

void mcuq_pixel_sums_s8(const mcuq_pixel_sums_s8_params *params, const int8_t *before, const int8_t *input,
                        int8_t *output, void *scratch) {
    const int32_t channels = params->channels, count = params->pixels * channels;
    (void)scratch;
    for (int32_t c = 0; c < channels; c++) {
        int32_t sum;
        memcpy(&sum, before + (int32_t)sizeof sum * c, sizeof sum);
        for (int32_t i = c; i < count; i += channels) {
            sum += input[i];
        }
        memcpy(output + (int32_t)sizeof sum * c, &sum, sizeof sum);
    }
}
