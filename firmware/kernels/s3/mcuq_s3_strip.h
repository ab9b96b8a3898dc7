/* Rows of an image, padded, in scratch: as many as a window has, which goes down over them. */
#ifndef MCUQ_S3_STRIP_H
#define MCUQ_S3_STRIP_H

#include <stdint.h>

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
    int8_t *strip;     /* (rows, pitch) */
    int32_t top;       /* row of the image that the strip begins with */
} mcuq_s3_strip;

/* Fill it with padding. */
void mcuq_s3_strip_begin(mcuq_s3_strip *strip);

/* Let it begin with a row of the image, at or below where it began. */
void mcuq_s3_strip_move(mcuq_s3_strip *strip, int32_t top);

/* A row of the output from where its pixels begin at multiples of 16. Nothing in front of the output is touched. */
void mcuq_s3_strip_out(int8_t *output, int32_t y, int8_t *from, int32_t pixels, int32_t bytes);

#ifdef __cplusplus
}
#endif

#endif
