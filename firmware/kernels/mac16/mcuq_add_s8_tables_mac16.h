/* Addition for the ESP32's MAC16 by tables in flash, int8. Meaning: mcuq/kernels/mac16/add_tables.py. */
#ifndef MCUQ_ADD_S8_TABLES_MAC16_H
#define MCUQ_ADD_S8_TABLES_MAC16_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t elements;
    int32_t output_zero_point;
    int32_t output_multiplier;
    int32_t output_shift; /* -21..-1 */
    int32_t activation_min;
    int32_t activation_max;
    const int32_t *table_a; /* (256), by a as an unsigned byte: -4 times its share of the sum */
    const int32_t *table_b; /* (256) */
} mcuq_add_s8_tables_mac16_params;

/* a, b, output (elements); the output may be one of the operands. scratch is not used. */
void mcuq_add_s8_tables_mac16(const mcuq_add_s8_tables_mac16_params *params, const int8_t *a, const int8_t *b,
                              int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
