#include "mcuq_slide_s8.h"

#include "mcuq_move.h"

void mcuq_slide_s8(const mcuq_slide_s8_params *params, const void *input, const void *window, void *output,
                   void *scratch) {
    const int32_t kept = params->window_bytes - params->new_bytes;
    const int8_t *in = input, *old = window;
    int8_t *out = output;
    (void)scratch;
    for (int32_t i = 0; i < params->blocks; i++) {
        mcuq_move(out, old + params->new_bytes, kept);
        mcuq_move(out + kept, in, params->new_bytes);
        in += params->new_bytes;
        old += params->window_bytes;
        out += params->window_bytes;
    }
}
