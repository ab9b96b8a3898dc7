#include "mcuq_pixel_sums_s8_s3.h"

#include "mcuq_s3_constants.h"
#include "mcuq_s3_pixel_sums.h"

void mcuq_pixel_sums_s8_s3(const mcuq_pixel_sums_s8_s3_params *params, const int8_t *before, const int8_t *input,
                           int8_t *output, void *scratch) {
    (void)scratch;
    mcuq_s3_pixel_sums(before, input, output, params->pixels, params->channels, mcuq_s3_constants);
}
