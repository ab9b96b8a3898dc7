#include "mcuq_s3_pixel_sums.h"

#include <string.h>

#include "mcuq_s3_isa.h"

#if !MCUQ_S3

void mcuq_s3_pixel_sums(const int8_t *before, const int8_t *input, int8_t *output, int32_t pixels, int32_t channels,
                        const int8_t *constants) {
    (void)constants;
    for (int32_t c = 0; c < channels; c++) {
        int32_t sum;
        memcpy(&sum, before + (int32_t)sizeof sum * c, sizeof sum);
        for (int32_t i = 0; i < pixels; i++) {
            sum += input[i * channels + c];
        }
        memcpy(output + (int32_t)sizeof sum * c, &sum, sizeof sum);
    }
}

#else

typedef int mcuq_s3_pixel_sums_is_assembly; /* a file must not be empty */

#endif
