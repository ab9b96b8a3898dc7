#include "mcuq_depthwise_conv2d_3x3_s8_lanes.h"

#include "mcuq_tuned.h"

/* Neighbouring rows of outputs as they are seen from the image; several only where no window reaches beyond it. */
typedef struct {
    const int8_t *middle; /* the image's row under the middle of the first window */
    int32_t up;           /* bytes to the row above; 0 where that lies outside */
    int32_t down;         /* bytes to the row below; 0 where that lies outside */
    int32_t y;            /* of the outputs */
    int32_t count;
    int32_t inner; /* outputs of a row whose window's last column lies inside; at most one does not */
} view;

/* One channel's filter: column j is (w[0][j], w[1][j], w[2][j]). */
typedef struct {
    int32_t w[3][3];
    int32_t bias;
} filter;

/* Rows outside the image hold zero points: these go into the bias, and the row's weights become zero. */
MCUQ_INLINE void drop_row(filter *f, int32_t i, int32_t zero_point) {
    f->bias += zero_point * (f->w[i][0] + f->w[i][1] + f->w[i][2]);
    f->w[i][0] = f->w[i][1] = f->w[i][2] = 0;
}

MCUQ_INLINE filter filter_of(const mcuq_depthwise_conv2d_3x3_s8_lanes_params *p, const view *v, int32_t channel) {
    const int8_t *const w = p->weights + 9 * channel;
    filter f = {{{w[0], w[1], w[2]}, {w[3], w[4], w[5]}, {w[6], w[7], w[8]}}, p->bias[channel]};
    if (!v->up) {
        drop_row(&f, 0, p->input_zero_point);
    }
    if (!v->down) {
        drop_row(&f, 2, p->input_zero_point);
    }
    return f;
}

MCUQ_INLINE int32_t column(const filter *f, int32_t j, int32_t x0, int32_t x1, int32_t x2) {
    return x0 * f->w[0][j] + x1 * f->w[1][j] + x2 * f->w[2][j];
}

/* Stride 1: the window slides by a column, which is the third of one output, the second of the next and so on. */
MCUQ_INLINE void slide(const mcuq_depthwise_conv2d_3x3_s8_lanes_params *p, const view *v, const filter *f,
                       mcuq_scale scale, const int8_t *r1, int8_t *out) {
    const int32_t step = p->channels, zero_point = p->input_zero_point;
    const int8_t *r0 = r1 - v->up, *r2 = r1 + v->down;
    int32_t next; /* of the output after this one: its first column */
    if (p->pad_left) {
        next = f->bias + column(f, 0, zero_point, zero_point, zero_point);
    } else {
        next = f->bias + column(f, 0, *r0, *r1, *r2);
        r0 += step, r1 += step, r2 += step;
    }
    int32_t acc = next + column(f, 1, *r0, *r1, *r2); /* of this output: its first two columns */
    next = f->bias + column(f, 0, *r0, *r1, *r2);
    int8_t *const end = out + v->inner * step;
    while (out != end) {
        r0 += step, r1 += step, r2 += step;
        const int32_t x0 = *r0, x1 = *r1, x2 = *r2;
        const int32_t whole = acc + column(f, 2, x0, x1, x2);
        acc = next + column(f, 1, x0, x1, x2);
        next = f->bias + column(f, 0, x0, x1, x2);
        *out = mcuq_scaled(whole, scale);
        out += step;
    }
    if (v->inner != p->output_w) {
        *out = mcuq_scaled(acc + column(f, 2, zero_point, zero_point, zero_point), scale);
    }
}

/* Stride 2: the third column of one output is the first of the next. */
MCUQ_INLINE void leap(const mcuq_depthwise_conv2d_3x3_s8_lanes_params *p, const view *v, const filter *f,
                      mcuq_scale scale, const int8_t *r1, int8_t *out) {
    const int32_t step = p->channels, zero_point = p->input_zero_point;
    const int8_t *r0 = r1 - v->up, *r2 = r1 + v->down;
    int32_t acc;
    if (p->pad_left) {
        acc = f->bias + column(f, 0, zero_point, zero_point, zero_point);
    } else {
        acc = f->bias + column(f, 0, *r0, *r1, *r2);
        r0 += step, r1 += step, r2 += step;
    }
    int8_t *const end = out + v->inner * step;
    if (out != end) {
        for (;;) {
            acc += column(f, 1, *r0, *r1, *r2);
            r0 += step, r1 += step, r2 += step;
            const int32_t x0 = *r0, x1 = *r1, x2 = *r2;
            const int32_t whole = acc + column(f, 2, x0, x1, x2);
            acc = f->bias + column(f, 0, x0, x1, x2);
            *out = mcuq_scaled(whole, scale);
            out += step;
            if (out == end) {
                break;
            }
            r0 += step, r1 += step, r2 += step;
        }
        if (v->inner == p->output_w) {
            return;
        }
        r0 += step, r1 += step, r2 += step;
    }
    acc += column(f, 1, *r0, *r1, *r2);
    *out = mcuq_scaled(acc + column(f, 2, zero_point, zero_point, zero_point), scale);
}

/* All rows of one channel. */
MCUQ_INLINE void rows(const mcuq_depthwise_conv2d_3x3_s8_lanes_params *p, const view *v, int32_t channel, int8_t *out,
                      int32_t stride) {
    const mcuq_scales scales = {p->output_zero_point, p->per_channel, p->multiplier, p->shift};
    const mcuq_scale scale = mcuq_scale_of(&scales, channel);
    const filter f = filter_of(p, v, channel);
    const int8_t *middle = v->middle + channel;
    int32_t left = v->count;
    for (out += channel;; out += p->output_w * p->channels) {
        if (stride == 1) {
            slide(p, v, &f, scale, middle, out);
        } else {
            leap(p, v, &f, scale, middle, out);
        }
        if (--left == 0) {
            return;
        }
        middle += stride * p->input_w * p->channels;
    }
}

/* Functions by themselves, so that registers hold nothing else. */
MCUQ_APART void slide_rows(const mcuq_depthwise_conv2d_3x3_s8_lanes_params *p, const view *v, int32_t channel,
                           int8_t *out) {
    rows(p, v, channel, out, 1);
}

MCUQ_APART void leap_rows(const mcuq_depthwise_conv2d_3x3_s8_lanes_params *p, const view *v, int32_t channel,
                          int8_t *out) {
    rows(p, v, channel, out, 2);
}

/* Block `index` of the output: a first or last row whose windows reach beyond the image is one by itself. */
static view block(const mcuq_depthwise_conv2d_3x3_s8_lanes_params *p, const int8_t *input, int32_t index) {
    const int32_t bytes = p->input_w * p->channels;
    const int32_t above = p->pad_top;
    view v;
    v.y = index < above ? 0 : above + (index - above) * p->block;
    v.y = v.y < p->end ? v.y : p->end;
    v.count = index < above || v.y == p->end ? 1 : p->end - v.y < p->block ? p->end - v.y : p->block;
    const int32_t top = v.y * p->stride - p->pad_top;
    v.middle = input + (top + 1) * bytes;
    v.up = top < 0 ? 0 : bytes;
    v.down = top + 2 >= p->input_h ? 0 : bytes;
    v.inner = p->output_w - ((p->output_w - 1) * p->stride - p->pad_left + 2 >= p->input_w);
    return v;
}

void mcuq_depthwise_conv2d_3x3_s8_lanes(const mcuq_depthwise_conv2d_3x3_s8_lanes_params *params, const int8_t *input,
                                        int8_t *output, void *scratch) {
    const mcuq_depthwise_conv2d_3x3_s8_lanes_params *const p = params;
    const int32_t row = p->output_w * p->channels;
    (void)scratch;
    for (int32_t i = 0; i < p->blocks; i++) {
        const view v = block(p, input, p->reverse ? p->blocks - 1 - i : i);
        int8_t *const out = output + v.y * row;
        for (int32_t channel = 0; channel < p->channels; channel++) {
            if (p->stride == 1) {
                slide_rows(p, &v, channel, out);
            } else {
                leap_rows(p, &v, channel, out);
            }
        }
        mcuq_limit(out, v.count * row, p->activation_min, p->activation_max);
    }
}
