#include "mcuq_s3_elements.h"

#include <string.h>

#include "mcuq_s3_bytes.h"

void mcuq_s3_each(const mcuq_s3_elements *elements, mcuq_s3_blocks *compute, const void *params) {
    const mcuq_s3_elements *const e = elements;
    if (e->direct) {
        compute(params, e->a, e->b, e->output, e->direct / 16);
    }
    for (int32_t i = e->direct; i < e->elements; i += MCUQ_S3_PIECE) {
        int8_t *const b = e->scratch + MCUQ_S3_PIECE;
        const int32_t left = e->elements - i;
        const int32_t count = left < MCUQ_S3_PIECE ? left : MCUQ_S3_PIECE;
        mcuq_s3_copy(e->scratch, e->a + i, count);
        if (e->b) {
            mcuq_s3_copy(b, e->b + i, count);
        }
        compute(params, e->scratch, b, e->scratch, (count + 15) / 16);
        memcpy(e->output + i, e->scratch, (size_t)count);
    }
}
