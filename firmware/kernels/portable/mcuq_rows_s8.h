/* Some of the rows of a tensor, 8-bit. Meaning: mcuq/ops/rows.py. */
#ifndef MCUQ_ROWS_S8_H
#define MCUQ_ROWS_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t offset; /* in bytes, of the first row in the input */
    int32_t bytes;
} mcuq_rows_s8_params;

/* output (bytes): at the input's address or before it, or elsewhere. Scratch unused. */
void mcuq_rows_s8(const mcuq_rows_s8_params *params, const void *input, void *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
