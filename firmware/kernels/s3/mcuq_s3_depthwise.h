/* Depthwise outputs of windows that lie in scratch. Assembly on an ESP32-S3, C elsewhere. */
#ifndef MCUQ_S3_DEPTHWISE_H
#define MCUQ_S3_DEPTHWISE_H

#include "mcuq_s3_window.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Lanes of a group are 16 bytes beside each other in the input as in the output; long sums are cut at their end. */
void mcuq_s3_depthwise_short(const mcuq_s3_window *window);
void mcuq_s3_depthwise_long(const mcuq_s3_window *window);

/* Let windows have columns; the rows of a single one become the columns of one row. */
static inline void mcuq_s3_set_columns(mcuq_s3_window *window, int32_t columns, int32_t column_step) {
    const int32_t is_upright = columns == 1;
    window->columns = is_upright ? window->rows : columns;
    window->column_step = is_upright ? window->row_step : column_step;
    window->rows = is_upright ? 1 : window->rows;
    window->input_step = window->pixels > 1 ? window->input_step : 0; /* one pixel is aligned whatever its size */
}

#ifdef __cplusplus
}
#endif

#endif
