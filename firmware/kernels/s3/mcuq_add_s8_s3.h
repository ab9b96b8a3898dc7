/* Addition of two tensors of one shape for the ESP32-S3's vector unit, int8. Meaning: mcuq/kernels/s3/add.py. */
#ifndef MCUQ_ADD_S8_S3_H
#define MCUQ_ADD_S8_S3_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t elements;
    int32_t direct; /* elements that are taken where they lie, a multiple of 16 */
    int32_t shift;
    const int16_t *constants; /* (4, 8): mcuq_s3_sum.h */
} mcuq_add_s8_s3_params;

/* a, b and output (elements), at multiples of 16 if some are taken where they lie; scratch at one. */
void mcuq_add_s8_s3(const mcuq_add_s8_s3_params *params, const int8_t *a, const int8_t *b, int8_t *output,
                    void *scratch);

#ifdef __cplusplus
}
#endif

#endif
