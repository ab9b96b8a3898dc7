/* Addition of two tensors of one shape for the ESP32, int8. Meaning: mcuq/kernels/mac16/add.py. */
#ifndef MCUQ_ADD_S8_MAC16_H
#define MCUQ_ADD_S8_MAC16_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t elements;
    int32_t zero_point_a;
    int32_t zero_point_b;
    int32_t multiplier_a;
    int32_t multiplier_b;
    int32_t shift_a; /* at most 0 */
    int32_t shift_b; /* at most 0 */
    int32_t output_zero_point;
    int32_t output_multiplier;
    int32_t output_shift; /* -21..-1 */
    int32_t activation_min;
    int32_t activation_max;
} mcuq_add_s8_mac16_params;

/* a, b and output (elements); scratch: two tables of 256 words. */
void mcuq_add_s8_mac16(const mcuq_add_s8_mac16_params *params, const int8_t *a, const int8_t *b, int8_t *output,
                       void *scratch);

#ifdef __cplusplus
}
#endif

#endif
