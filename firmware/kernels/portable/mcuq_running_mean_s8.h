/* Mean of the last rows, int8. Meaning: mcuq/ops/running_mean.py. */
#ifndef MCUQ_RUNNING_MEAN_S8_H
#define MCUQ_RUNNING_MEAN_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t rows;    /* new ones */
    int32_t window;  /* rows that are averaged */
    int32_t columns; /* pixels of a row that are averaged */
    int32_t channels;
    int32_t input_zero_point;
    int32_t divides; /* 1: round (sum of x / pixels) half away from zero; 0: requantize */
    int32_t output_zero_point;
    int32_t output_multiplier;
    int32_t output_shift;
    int32_t activation_min;
    int32_t activation_max;
} mcuq_running_mean_s8_params;

/* input (rows, columns, channels); kept and kept_out: sums (channels) int32, slot int32, then (window, columns,
 * channels), at any address, kept_out may be kept; output (channels). Scratch unused. */
void mcuq_running_mean_s8(const mcuq_running_mean_s8_params *params, const int8_t *input, const int8_t *kept,
                          int8_t *output, int8_t *kept_out, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
