#include "mcuq_s3_line.h"

#include "mcuq_s3_isa.h"

#if !MCUQ_S3

#include "mcuq_s3_weights.h"

void mcuq_s3_line(const int8_t *x, int8_t *output, int32_t blocks, const int16_t *constants, int32_t shift) {
    const int8_t *const bytes = (const int8_t *)(constants + 32);
    for (int32_t i = 0; i < 16 * blocks; i++) {
        const int8_t value = mcuq_s3_weighted(constants, shift, (int8_t)(x[i] ^ bytes[32]), 0);
        const int8_t limited = value < bytes[0] ? bytes[0] : value > bytes[16] ? bytes[16] : value;
        output[i] = (int8_t)(limited ^ bytes[48]);
    }
}

#else

typedef int mcuq_s3_line_is_assembly; /* a file must not be empty */

#endif
