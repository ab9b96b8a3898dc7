#include "mcuq_s3_strip.h"

#include <string.h>

#include "mcuq_s3_bytes.h"

static void begin(mcuq_s3_strip *strip) {
    mcuq_s3_fill(strip->strip, strip->padding, strip->rows * strip->pitch / 16);
    strip->top = INT32_MIN / 2; /* none of its rows is kept */
}

/* Let the strip begin with a row of the image, at or below where it began. */
static void move_to(mcuq_s3_strip *strip, int32_t top) {
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

/* A row of the output from where its pixels begin at multiples of 16. Nothing in front of the output is touched. */
static void write_row(const mcuq_s3_strip *strip, int32_t y, int8_t *from, int32_t pixels) {
    const int32_t bytes = strip->output_c;
    int8_t *const to = strip->output + y * pixels * bytes;
    if (to - ((uintptr_t)to & 15) >= strip->output) {
        mcuq_s3_pack(to, from, pixels, bytes);
        return;
    }
    for (int32_t i = 0; i < pixels; i++) {
        memcpy(to + i * bytes, from + i * ((bytes + 15) / 16 * 16), (size_t)bytes);
    }
}

void mcuq_s3_strip_run(mcuq_s3_strip *strip, mcuq_s3_window *window, mcuq_s3_row *compute) {
    const int32_t row = window->pixels * strip->output_c;
    int8_t *const buffer = strip->strip + strip->rows * strip->pitch + MCUQ_S3_STRIP_END;
    begin(strip);
    for (int32_t y = 0; y < strip->output_h; y++) {
        move_to(strip, y * strip->stride_h - strip->pad_top);
        window->output = strip->buffered ? buffer : strip->output + y * row;
        compute(window);
        if (strip->buffered) {
            write_row(strip, y, buffer, window->pixels);
        }
    }
}
