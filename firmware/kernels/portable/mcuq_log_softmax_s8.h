/* Logarithm of softmax over rows, int8. Meaning: mcuq/ops/log_softmax.py. */
#ifndef MCUQ_LOG_SOFTMAX_S8_H
#define MCUQ_LOG_SOFTMAX_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t rows;
    int32_t depth;
    int32_t difference_multiplier; /* from steps of the input to Q16 */
    int32_t difference_shift;
    int32_t output_multiplier; /* from Q16 to steps of the output */
    int32_t output_shift;
    int32_t output_zero_point;
    const int32_t *exponentials; /* (256), Q0: exp(-scale * d) at d = max - x */
    const int32_t *logarithms;   /* (65), Q16: log(1 + i / 64) */
} mcuq_log_softmax_s8_params;

/* input (rows, depth), output (rows, depth); scratch unused. */
void mcuq_log_softmax_s8(const mcuq_log_softmax_s8_params *params, const int8_t *input, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
