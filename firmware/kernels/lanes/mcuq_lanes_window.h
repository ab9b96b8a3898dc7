/* Windows of an image, of several pixels side by side in lanes: what the convolutions on RV32IMC begin a tile with.
 *
 * A kernel says what type its parameters have, before it includes this: typedef ... mcuq_image. */
#ifndef MCUQ_LANES_WINDOW_H
#define MCUQ_LANES_WINDOW_H

#include "mcuq_lanes_join.h"

/* Where a window begins in the image; it may lie partly outside. */
typedef struct {
    int32_t y;
    int32_t x;
} mcuq_place;

/* Taps first..end of one row of a window, (filter_w, input_c): in the image or, where that is not enough, in `border`.
 */
static const int8_t *mcuq_row_part(const mcuq_image *p, const int8_t *input, int32_t y, int32_t x, int32_t first,
                                   int32_t end, int8_t *border) {
    const int32_t depth = p->input_c;
    const int32_t inside = y >= 0 && y < p->input_h;
    if (inside && p->dilation_w == 1 && x >= 0 && x + p->filter_w <= p->input_w) {
        return input + (y * p->input_w + x) * depth + first;
    }
    int8_t *out = border;
    int8_t *const last = border + (end - first);
    int32_t c = 0;
    if (first) {
        c = first % depth;
        x += first / depth * p->dilation_w;
    }
    for (; out != last; x += p->dilation_w, c = 0) {
        int8_t *const stop = last - out < depth - c ? last : out + (depth - c);
        if (inside && x >= 0 && x < p->input_w) {
            const int8_t *from = input + (y * p->input_w + x) * depth + c;
            while (out != stop) {
                *out++ = *from++;
            }
        }
        while (out != stop) {
            *out++ = (int8_t)p->input_zero_point;
        }
    }
    return border;
}

MCUQ_INLINE int32_t mcuq_is_inside(const mcuq_image *p, const mcuq_place *at) {
    return at->y >= 0 && at->x >= 0 && at->y + (p->filter_h - 1) * p->dilation_h < p->input_h &&
           at->x + p->filter_w <= p->input_w && p->dilation_w == 1;
}

/* Two windows side by side into every `stride`th word of x. */
MCUQ_INLINE void mcuq_join_windows(const mcuq_image *p, const int8_t *input, const mcuq_place *at, uint32_t *x,
                                   int32_t stride, int8_t *border) {
    const int32_t width = p->filter_w * p->input_c;
    const int32_t down = p->dilation_h * p->input_w * p->input_c;
    const int32_t inside = mcuq_is_inside(p, &at[0]) && mcuq_is_inside(p, &at[1]);
    const int32_t first_a = (at[0].y * p->input_w + at[0].x) * p->input_c;
    const int32_t first_b = (at[1].y * p->input_w + at[1].x) * p->input_c;
    for (int32_t i = 0; i < p->filter_h; i++) {
        const int8_t *a, *b;
        if (inside) {
            a = input + first_a + i * down;
            b = input + first_b + i * down;
        } else {
            a = mcuq_row_part(p, input, at[0].y + i * p->dilation_h, at[0].x, 0, width, border);
            b = mcuq_row_part(p, input, at[1].y + i * p->dilation_h, at[1].x, 0, width, border + width);
        }
        mcuq_lanes_join(a, b, width, x, stride);
        x += width * stride;
    }
    if ((p->filter_h * width) & 1) {
        *x = 0;
    }
}

/* Where the windows of pixels first..first + count - 1 begin; the last one stands for those that `size` of them lack.
 */
MCUQ_INLINE void mcuq_tile_windows(const mcuq_image *p, int32_t first, int32_t count, int32_t size, mcuq_place *at) {
    int32_t row = first / p->output_w;
    int32_t column = first % p->output_w;
    for (int32_t i = 0; i < size; i++) {
        at[i].y = row * p->stride_h - p->pad_top;
        at[i].x = column * p->stride_w - p->pad_left;
        if (i + 1 < count && ++column == p->output_w) {
            column = 0;
            row++;
        }
    }
}

#endif
