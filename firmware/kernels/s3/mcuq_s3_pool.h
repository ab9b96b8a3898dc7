/* Averages and largest values of one window, channel by channel. Assembly on an ESP32-S3, C elsewhere. */
#ifndef MCUQ_S3_POOL_H
#define MCUQ_S3_POOL_H

#include <stdint.h>

#include "mcuq_s3_record.h"
#include "mcuq_window.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The assembly knows the members by their place. Addresses and steps are multiples of 16. */
typedef struct {
    const int8_t *input;  /* the window's first pixel */
    int8_t *output;       /* one pixel */
    const int8_t *record; /* without weights, of all channels: averages */
    int32_t groups;       /* of 16 channels */
    int32_t rows;
    int32_t columns;
    int32_t row_step;    /* bytes from row to row */
    int32_t column_step; /* from pixel to pixel */
    int8_t *scratch;     /* MCUQ_S3_SCRATCH_BYTES, with limits */
    const int8_t *constants;
} mcuq_s3_pool;

void mcuq_s3_pool_average(const mcuq_s3_pool *pool);
void mcuq_s3_pool_max(const mcuq_s3_pool *pool);

/* Let the window be what lies inside the image of rows by columns that begins at y, x; return how many pixels it has.
 */
static inline int32_t mcuq_s3_pool_window(mcuq_s3_pool *pool, const int8_t *image, int32_t image_h, int32_t image_w,
                                          int32_t y, int32_t x, int32_t rows, int32_t columns) {
    const mcuq_span inside_h = mcuq_span_inside(y, rows, 1, image_h);
    const mcuq_span inside_w = mcuq_span_inside(x, columns, 1, image_w);
    pool->rows = inside_h.end - inside_h.first;
    pool->columns = inside_w.end - inside_w.first;
    pool->row_step = image_w * pool->column_step;
    pool->input = image + ((y + inside_h.first) * image_w + x + inside_w.first) * pool->column_step;
    if (pool->columns == image_w) { /* beside each other */
        pool->columns *= pool->rows;
        pool->rows = 1;
        return pool->columns;
    }
    return pool->rows * pool->columns;
}

#ifdef __cplusplus
}
#endif

#endif
