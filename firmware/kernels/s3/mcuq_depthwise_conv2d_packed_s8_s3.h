/* Depthwise convolution with weights of 1, 2 or 4 bits for the ESP32-S3's vector unit, int8. Meaning:
 * mcuq/kernels/s3/depthwise_conv2d_packed.py. */
#ifndef MCUQ_DEPTHWISE_CONV2D_PACKED_S8_S3_H
#define MCUQ_DEPTHWISE_CONV2D_PACKED_S8_S3_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t input_h;
    int32_t input_row; /* bytes from row to row */
    int32_t row_bytes; /* of a row that windows see */
    int32_t input_zero_point;
    int32_t strip_rows;
    int32_t pitch;  /* bytes of a row of the strip, a multiple of 16 */
    int32_t origin; /* where the first window begins in it */
    int32_t lead;   /* where the image begins in it, a multiple of 16 */
    int32_t pad_top;
    int32_t stride_h;
    int32_t window_rows;
    int32_t row_step;   /* from row to row of a window */
    int32_t input_step; /* from window to window */
    int32_t output_h;
    int32_t output_w;
    int32_t output_c;
    int32_t activation_min;
    int32_t activation_max;
    int32_t
        buffered; /* 1: output rows are computed in scratch, 0: pixels are multiples of 16, the output begins at one */
    int32_t groups;        /* of 16 channels */
    int32_t columns;       /* of a window */
    int32_t column_step;   /* bytes from column to column */
    const int8_t *records; /* (groups): mcuq_s3_record.h, mcuq_s3_depthwise_packed.h */
    int32_t bits;          /* of a weight: 1, 2 or 4 */
} mcuq_depthwise_conv2d_packed_s8_s3_params;

/* input (input_h, input_row) at any address; output (output_h, output_w, output_c), at a multiple of 16 if not
 * buffered; scratch at one. */
void mcuq_depthwise_conv2d_packed_s8_s3(const mcuq_depthwise_conv2d_packed_s8_s3_params *params, const int8_t *input,
                                        int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
