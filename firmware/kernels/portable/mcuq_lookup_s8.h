/* Any function of one byte, by table. Meaning: mcuq/ops/lookup.py. */
#ifndef MCUQ_LOOKUP_S8_H
#define MCUQ_LOOKUP_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t elements;
    const int8_t *table; /* (256), indexed by the input's byte, holding the output's byte */
} mcuq_lookup_s8_params;

/* input (elements), output (elements); bytes may be int8 or uint8 on either side; scratch unused. */
void mcuq_lookup_s8(const mcuq_lookup_s8_params *params, const void *input, void *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
