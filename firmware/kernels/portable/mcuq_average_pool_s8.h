/* Average pooling, int8. Meaning: mcuq/ops/average_pool.py. */
#ifndef MCUQ_AVERAGE_POOL_S8_H
#define MCUQ_AVERAGE_POOL_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t input_h;
    int32_t input_w;
    int32_t channels;
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
    int32_t reverse; /* 1: last row first, so that the output may lie behind the input */
} mcuq_average_pool_s8_params;

/* input (input_h, input_w, channels), output (output_h, output_w, channels); scratch unused. */
void mcuq_average_pool_s8(const mcuq_average_pool_s8_params *params, const int8_t *input, int8_t *output,
                          void *scratch);

#ifdef __cplusplus
}
#endif

#endif
