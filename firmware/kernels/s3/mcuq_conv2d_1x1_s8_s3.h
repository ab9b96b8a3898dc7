/* Pointwise convolution for the ESP32-S3's vector unit, int8. Meaning: mcuq/kernels/s3/conv2d.py. */
#ifndef MCUQ_CONV2D_1X1_S8_S3_H
#define MCUQ_CONV2D_1X1_S8_S3_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t input_w;
    int32_t input_c; /* a multiple of 16, as output_c */
    int32_t output_h;
    int32_t output_w;
    int32_t output_c;
    int32_t stride_h;
    int32_t stride_w;
    int32_t activation_min;
    int32_t activation_max;
    int32_t reverse;       /* 1: last row first, so that the output may lie behind the input */
    const int8_t *records; /* (output_c / 16): mcuq_s3_record.h */
} mcuq_conv2d_1x1_s8_s3_params;

/* input (rows, input_w, input_c), output (output_h, output_w, output_c); scratch: a pixel. All at multiples of 16. */
void mcuq_conv2d_1x1_s8_s3(const mcuq_conv2d_1x1_s8_s3_params *params, const int8_t *input, int8_t *output,
                           void *scratch);

#ifdef __cplusplus
}
#endif

#endif
