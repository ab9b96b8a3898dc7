/* Outputs of windows that lie in scratch: dot products with all filters, and depthwise. Assembly on an ESP32-S3, C
 * elsewhere. */
#ifndef MCUQ_S3_WINDOW_H
#define MCUQ_S3_WINDOW_H

#include <stdint.h>

#include "mcuq_s3_record.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The assembly knows the members by their place. Up to 32 bytes in front of the windows and behind them are read. */
typedef struct {
    const int8_t *input;   /* of the first window, at any address */
    int8_t *output;        /* (pixels, groups, 16), at a multiple of 16 */
    const int8_t *records; /* (groups), at a multiple of 16 */
    int32_t groups;
    int32_t pixels;
    int32_t input_step; /* bytes from pixel to pixel */
    int32_t rows;       /* of a window */
    int32_t row_step;   /* bytes from row to row */
    int32_t columns;    /* depthwise: of a window, and bytes from column to column */
    int32_t column_step;
    int32_t parts;  /* dot products: a row of a window is so many parts of so many times 16 taps, and the rest, even; */
    int32_t blocks; /* long sums are cut behind every part and every row, or at the end if there are no blocks */
    int32_t rest;
    int8_t *scratch; /* MCUQ_S3_SCRATCH_BYTES */
    const int8_t *constants;
    int32_t bits; /* of a weight: mcuq_s3_packed.h */
} mcuq_s3_window;

/* Where no record is of a long sum, and where some are. */
void mcuq_s3_window_short(const mcuq_s3_window *window);
void mcuq_s3_window_long(const mcuq_s3_window *window);

#ifdef __cplusplus
}
#endif

#endif
