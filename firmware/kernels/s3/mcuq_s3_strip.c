#include "mcuq_s3_strip.h"

#include <string.h>

#include "mcuq_s3_bytes.h"

void mcuq_s3_strip_begin(mcuq_s3_strip *strip) {
    mcuq_s3_fill(strip->strip, strip->padding, strip->rows * strip->pitch / 16);
    strip->top = INT32_MIN / 2; /* none of its rows is kept */
}

void mcuq_s3_strip_move(mcuq_s3_strip *strip, int32_t top) {
    const int32_t moved = top - strip->top;
    const int32_t kept = moved < strip->rows ? strip->rows - moved : 0;
    if (kept) {
        mcuq_s3_copy(strip->strip, strip->strip + moved * strip->pitch, kept * strip->pitch);
    }
    for (int32_t i = kept; i < strip->rows; i++) {
        const int32_t y = top + i;
        int8_t *const row = strip->strip + i * strip->pitch;
        if (y >= 0 && y < strip->input_h) {
            mcuq_s3_copy(row + strip->lead, strip->input + y * strip->input_row, strip->row_bytes);
        } else {
            mcuq_s3_fill(row, strip->padding, strip->pitch / 16);
        }
    }
    strip->top = top;
}

void mcuq_s3_strip_out(int8_t *output, int32_t y, int8_t *from, int32_t pixels, int32_t bytes) {
    int8_t *const to = output + y * pixels * bytes;
    if (to - ((uintptr_t)to & 15) >= output) {
        mcuq_s3_pack(to, from, pixels, bytes);
        return;
    }
    for (int32_t i = 0; i < pixels; i++) {
        memcpy(to + i * bytes, from + i * ((bytes + 15) / 16 * 16), (size_t)bytes);
    }
}
