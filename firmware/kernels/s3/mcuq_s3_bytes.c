#include "mcuq_s3_bytes.h"

#include <string.h>

#include "mcuq_s3_isa.h"

#if !MCUQ_S3

void mcuq_s3_copy(int8_t *to, const int8_t *from, int32_t bytes) {
    memmove(to, from, (size_t)bytes);
}

void mcuq_s3_fill(int8_t *to, int32_t value, int32_t blocks) {
    memset(to, value, 16 * (size_t)blocks);
}

void mcuq_s3_pack(int8_t *to, int8_t *from, int32_t pixels, int32_t bytes) {
    for (int32_t i = 0; i < pixels; i++) {
        memcpy(to + i * bytes, from + i * ((bytes + 15) / 16 * 16), (size_t)bytes);
    }
}

#else

typedef int mcuq_s3_bytes_is_assembly; /* a file must not be empty */

#endif
