/* Some taps of a window, in the order (filter_h, filter_w, input_c), one after the other.
 *
 * A kernel says what type its parameters have, before it includes this: typedef ... mcuq_image. */
#ifndef MCUQ_WINDOW_PART_H
#define MCUQ_WINDOW_PART_H

#include "mcuq_tuned.h"

/* Where a window begins in the image; it may lie partly outside. */
typedef struct {
    int32_t y;
    int32_t x;
} mcuq_place;

/* Which taps: `count` of them from tap `offset` of row `row` on. */
typedef struct {
    int32_t row;
    int32_t offset;
    int32_t count;
} mcuq_part;

static inline int8_t *mcuq_copy_bytes(const int8_t *from, int32_t count, int8_t *to) {
    for (const int8_t *const fours = from + (count & ~3); from != fours; from += 4, to += 4) {
        const int8_t a = from[0], b = from[1], c = from[2], d = from[3];
        to[0] = a, to[1] = b, to[2] = c, to[3] = d;
    }
    for (const int8_t *const end = from + (count & 3); from != end;) {
        *to++ = *from++;
    }
    return to;
}

static inline int8_t *mcuq_fill_bytes(int8_t value, int32_t count, int8_t *to) {
    for (const int8_t *const end = to + count; to != end;) {
        *to++ = value;
    }
    return to;
}

/* Whether the rows of a window lie in the image from their first tap to the last, as far as columns go. */
MCUQ_INLINE int32_t mcuq_is_within(const mcuq_image *p, int32_t x) {
    return p->dilation_w == 1 && x >= 0 && x + p->filter_w <= p->input_w;
}

/* The part's taps, zeros behind them up to `size`, in `copy`. */
MCUQ_APART void mcuq_copy_part(const mcuq_image *p, const int8_t *input, mcuq_place at, mcuq_part part, int32_t size,
                               int8_t *copy) {
    const int32_t depth = p->input_c, width = p->filter_w * depth;
    const int32_t longest = mcuq_is_within(p, at.x) ? width : depth; /* run of neighbours */
    const int8_t *const end = copy + size;
    for (int32_t left = part.count; left > 0;) {
        const int32_t y = at.y + part.row * p->dilation_h;
        const int32_t x = at.x + part.offset / depth * p->dilation_w;
        const int32_t rest = longest - part.offset % longest;
        const int32_t run = rest < left ? rest : left;
        if (y >= 0 && y < p->input_h && x >= 0 && x < p->input_w) {
            copy = mcuq_copy_bytes(input + (y * p->input_w + x) * depth + part.offset % depth, run, copy);
        } else {
            copy = mcuq_fill_bytes((int8_t)p->input_zero_point, run, copy);
        }
        left -= run;
        part.offset += run;
        if (part.offset == width) {
            part.offset = 0;
            part.row++;
        }
    }
    mcuq_fill_bytes(0, (int32_t)(end - copy), copy);
}

/* The same in the image where it lies there as it is wanted, or else in `copy`. */
MCUQ_INLINE const int8_t *mcuq_window_part(const mcuq_image *p, const int8_t *input, mcuq_place at, mcuq_part part,
                                           int32_t size, int8_t *copy) {
    const int32_t y = at.y + part.row * p->dilation_h;
    const int32_t is_row = part.count == size && part.offset + size <= p->filter_w * p->input_c;
    if (is_row && y >= 0 && y < p->input_h && mcuq_is_within(p, at.x)) {
        return input + (y * p->input_w + at.x) * p->input_c + part.offset;
    }
    mcuq_copy_part(p, input, at, part, size, copy);
    return copy;
}

#endif
