/* Products of two tensors for the ESP32-S3's vector unit, int8. Meaning: mcuq/kernels/s3/mul.py. */
#ifndef MCUQ_MUL_S8_S3_H
#define MCUQ_MUL_S8_S3_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t elements; /* of a row */
    int32_t direct;   /* of which are taken where they lie, a multiple of 16 */
    int32_t rows;
    int32_t activation_min;
    int32_t activation_max;
    const int8_t *halves; /* (16): of -z_b, of -z_a, and zeros */
    const int8_t *record; /* without weights: mcuq_s3_record.h */
} mcuq_mul_s8_s3_params;

/* a and output (rows, elements), b (elements), at multiples of 16 if some are taken where they lie; scratch at one. */
void mcuq_mul_s8_s3(const mcuq_mul_s8_s3_params *params, const int8_t *a, const int8_t *b, int8_t *output,
                    void *scratch);

#ifdef __cplusplus
}
#endif

#endif
