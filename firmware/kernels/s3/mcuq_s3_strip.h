/* Rows of an image, padded, in scratch: as many as a window has, which goes down over them. */
#ifndef MCUQ_S3_STRIP_H
#define MCUQ_S3_STRIP_H

#include <stdint.h>

#include "mcuq_s3_window.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    MCUQ_S3_STRIP_AT = 96, /* in scratch, behind what the cores need, of which windows may read the end */
    MCUQ_S3_STRIP_END = 32 /* bytes behind it that windows may read */
};

typedef struct {
    const int8_t *input;
    int32_t input_h;
    int32_t input_row; /* bytes from row to row */
    int32_t row_bytes; /* of a row that are needed */
    int32_t padding;   /* its value */
    int32_t rows;      /* that the strip has */
    int32_t pitch;     /* bytes of each, a multiple of 16 */
    int32_t lead;      /* bytes in front of the image's first column, a multiple of 16 */
    int32_t pad_top;
    int32_t stride_h;
    int8_t *output; /* (output_h, the window's pixels, output_c) */
    int32_t output_h;
    int32_t output_c;
    int32_t
        buffered;  /* 1: output rows are computed in scratch, 0: pixels are multiples of 16, the output begins at one */
    int8_t *strip; /* (rows, pitch) */
    int32_t top;   /* row of the image that the strip begins with */
} mcuq_s3_strip;

/* What kernels' parameters of the same names say of their strip and of their windows. */
#define MCUQ_S3_STRIP(p, given, results, scratch)                                                                      \
    {                                                                                                                  \
        .input = (given), .input_h = (p)->input_h, .input_row = (p)->input_row, .row_bytes = (p)->row_bytes,           \
        .padding = (p)->input_zero_point, .rows = (p)->strip_rows, .pitch = (p)->pitch, .lead = (p)->lead,             \
        .pad_top = (p)->pad_top, .stride_h = (p)->stride_h, .output = (results), .output_h = (p)->output_h,            \
        .output_c = (p)->output_c, .buffered = (p)->buffered, .strip = (int8_t *)(scratch) + MCUQ_S3_STRIP_AT          \
    }
#define MCUQ_S3_WINDOW(p, memory)                                                                                      \
    {                                                                                                                  \
        .input = (int8_t *)(memory) + MCUQ_S3_STRIP_AT + (p)->origin, .groups = (p)->groups, .pixels = (p)->output_w,  \
        .input_step = (p)->input_step, .rows = (p)->window_rows, .row_step = (p)->row_step, .scratch = (memory),       \
        .constants = mcuq_s3_constants                                                                                 \
    }

/* A row of outputs of windows that lie in scratch. */
typedef void mcuq_s3_row(const mcuq_s3_window *window);

/* All rows of an output: the strip goes down over the image. */
void mcuq_s3_strip_run(mcuq_s3_strip *strip, mcuq_s3_window *window, mcuq_s3_row *compute);

#ifdef __cplusplus
}
#endif

#endif
