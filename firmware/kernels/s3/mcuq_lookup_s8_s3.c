#include "mcuq_lookup_s8_s3.h"

#include <stddef.h>

#include "mcuq_s3_elements.h"
#include "mcuq_s3_line.h"

static void lines(const void *params, const int8_t *a, const int8_t *b, int8_t *output, int32_t blocks) {
    const mcuq_lookup_s8_s3_params *const p = params;
    (void)b;
    mcuq_s3_line(a, output, blocks, p->constants, p->shift);
}

void mcuq_lookup_s8_s3(const mcuq_lookup_s8_s3_params *params, const void *input, void *output, void *scratch) {
    const mcuq_s3_elements elements = {input, NULL, output, params->elements, params->direct, scratch};
    mcuq_s3_each(&elements, lines, params);
}
