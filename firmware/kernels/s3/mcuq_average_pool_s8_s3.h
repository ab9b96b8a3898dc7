/* Average pooling and means for the ESP32-S3's vector unit, int8. Meaning: mcuq/kernels/s3/pool.py. */
#ifndef MCUQ_AVERAGE_POOL_S8_S3_H
#define MCUQ_AVERAGE_POOL_S8_S3_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t input_h;
    int32_t input_w;
    int32_t channels; /* a multiple of 16 */
    int32_t output_h;
    int32_t output_w;
    int32_t filter_h;
    int32_t filter_w;
    int32_t stride_h;
    int32_t stride_w;
    int32_t pad_top;
    int32_t pad_left;
    int32_t activation_min;
    int32_t activation_max;
    const int32_t *counts; /* of pixels that windows see, each once */
    const int8_t *records; /* (counts), without weights: mcuq_s3_record.h */
} mcuq_average_pool_s8_s3_params;

/* input (input_h, input_w, channels), output (output_h, output_w, channels), at multiples of 16; scratch as well. */
void mcuq_average_pool_s8_s3(const mcuq_average_pool_s8_s3_params *params, const int8_t *input, int8_t *output,
                             void *scratch);

#ifdef __cplusplus
}
#endif

#endif
