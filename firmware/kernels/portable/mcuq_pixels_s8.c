#include "mcuq_pixels_s8.h"

/* Rows or columns that are picked one after the other, without a division for each. */
typedef struct {
    int32_t at;
    int32_t rest;  /* of the division */
    int32_t whole; /* what comes on top every time: rows, and parts of one */
    int32_t part;
    int32_t divisor;
} picked;

static picked first_of(int32_t step, int32_t offset, int32_t divisor) {
    const picked first = {offset / divisor, offset % divisor, step / divisor, step % divisor, divisor};
    return first;
}

static inline void go_on(picked *pick) {
    pick->at += pick->whole;
    pick->rest += pick->part;
    if (pick->rest >= pick->divisor) {
        pick->rest -= pick->divisor;
        pick->at++;
    }
}

static inline uint8_t byte_of(int32_t part256) {
    return (uint8_t)(part256 < 0 ? 0 : part256 > 0xffff ? 255 : part256 >> 8);
}

static inline void color_of(const uint8_t *row, int32_t x, int32_t format, uint8_t *rgb) {
    const uint8_t *const at = row + (format <= MCUQ_PIXELS_BGR888 ? 3 : 2) * x;
    if (format == MCUQ_PIXELS_RGB565) {
        const int32_t r = at[0] >> 3, g = (at[0] & 7) << 3 | at[1] >> 5, b = at[1] & 31;
        rgb[0] = (uint8_t)(r << 3 | r >> 2);
        rgb[1] = (uint8_t)(g << 2 | g >> 4);
        rgb[2] = (uint8_t)(b << 3 | b >> 2);
    } else if (format == MCUQ_PIXELS_YUV422) {
        const uint8_t *const pair = row + 4 * (x / 2);
        const int32_t y = 298 * (at[0] - 16) + 128, u = pair[1] - 128, v = pair[3] - 128;
        rgb[0] = byte_of(y + 409 * v);
        rgb[1] = byte_of(y - 100 * u - 208 * v);
        rgb[2] = byte_of(y + 516 * u);
    } else {
        const int32_t blue_first = format == MCUQ_PIXELS_BGR888;
        rgb[0] = at[blue_first ? 2 : 0];
        rgb[1] = at[1];
        rgb[2] = at[blue_first ? 0 : 2];
    }
}

/* A row of pixels that are one byte, its luminance, at some distance. */
static void gray_row(const mcuq_pixels_s8_params *p, const uint8_t *row, int32_t distance, int8_t *output) {
    picked column = first_of(p->column_step, p->column_offset, p->column_divisor);
    for (int32_t i = 0; i < p->output_w; i++, go_on(&column)) {
        const uint8_t gray = row[distance * column.at];
        for (int32_t c = 0; c < p->channels; c++) {
            *output++ = p->table[256 * c + gray];
        }
    }
}

static inline void color_row(const mcuq_pixels_s8_params *p, const uint8_t *row, int32_t format, int8_t *output) {
    picked column = first_of(p->column_step, p->column_offset, p->column_divisor);
    for (int32_t i = 0; i < p->output_w; i++, go_on(&column)) {
        uint8_t rgb[3];
        color_of(row, column.at, format, rgb);
        if (p->channels == 1) {
            *output++ = p->table[(19595 * rgb[0] + 38470 * rgb[1] + 7471 * rgb[2] + 32768) >> 16];
        } else {
            *output++ = p->table[rgb[0]];
            *output++ = p->table[256 + rgb[1]];
            *output++ = p->table[512 + rgb[2]];
        }
    }
}

void mcuq_pixels_s8(const mcuq_pixels_s8_params *params, const int8_t *input, int8_t *output, void *scratch) {
    const mcuq_pixels_s8_params *const p = params;
    const int32_t pixel = p->format == MCUQ_PIXELS_GRAY8 ? 1 : p->format <= MCUQ_PIXELS_BGR888 ? 3 : 2;
    picked line = first_of(p->row_step, p->row_offset, p->row_divisor);
    (void)scratch;
    for (int32_t i = 0; i < p->output_h; i++, go_on(&line)) {
        const uint8_t *const row = (const uint8_t *)input + line.at * p->input_w * pixel;
        if (pixel == 1 || (p->format == MCUQ_PIXELS_YUV422 && p->channels == 1)) {
            gray_row(p, row, pixel, output);
        } else if (p->format == MCUQ_PIXELS_RGB565) { /* each has a loop of its own */
            color_row(p, row, MCUQ_PIXELS_RGB565, output);
        } else if (p->format == MCUQ_PIXELS_YUV422) {
            color_row(p, row, MCUQ_PIXELS_YUV422, output);
        } else {
            color_row(p, row, p->format, output);
        }
        output += p->output_w * p->channels;
    }
}
