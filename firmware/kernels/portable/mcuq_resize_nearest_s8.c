#include "mcuq_resize_nearest_s8.h"

#include <string.h>

void mcuq_resize_nearest_s8(const mcuq_resize_nearest_s8_params *params, const int8_t *input, int8_t *output,
                            void *scratch) {
    const mcuq_resize_nearest_s8_params *const p = params;
    (void)scratch;
    for (int32_t y = 0; y < p->output_h; y++) {
        const int8_t *const row = input + p->rows[y] * p->input_w * p->channels;
        for (int32_t x = 0; x < p->output_w; x++) {
            memcpy(output, row + p->columns[x] * p->channels, (size_t)p->channels);
            output += p->channels;
        }
    }
}
