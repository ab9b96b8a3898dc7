/* Copy in another order, bytes. Meaning: mcuq/ops/strided_copy.py. */
#ifndef MCUQ_STRIDED_COPY_S8_H
#define MCUQ_STRIDED_COPY_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t input_bytes;
    int32_t offset;
    int32_t shape[4];   /* of the output, outermost first */
    int32_t strides[4]; /* in the input, in bytes */
} mcuq_strided_copy_s8_params;

/* input (input_bytes), output (shape); bytes may be int8 or uint8; scratch unused. */
void mcuq_strided_copy_s8(const mcuq_strided_copy_s8_params *params, const void *input, void *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
