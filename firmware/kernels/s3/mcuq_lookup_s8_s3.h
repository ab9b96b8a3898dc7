/* Tables of 256 outputs that are a line, for the ESP32-S3's vector unit. Meaning: mcuq/kernels/s3/lookup.py. */
#ifndef MCUQ_LOOKUP_S8_S3_H
#define MCUQ_LOOKUP_S8_S3_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t elements;
    int32_t direct; /* elements that are taken where they lie, a multiple of 16 */
    int32_t shift;
    const int16_t *constants; /* (8, 8): mcuq_s3_line.h */
} mcuq_lookup_s8_s3_params;

/* input and output (elements), int8 or uint8, at multiples of 16 if some are taken where they lie; scratch at one. */
void mcuq_lookup_s8_s3(const mcuq_lookup_s8_s3_params *params, const void *input, void *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
