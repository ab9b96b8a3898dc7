#include "mcuq_top_k_s8.h"

/* Whether the element at place i comes before that at place j. */
static int is_before(const mcuq_top_k_s8_params *p, const int8_t *row, int32_t i, int32_t j) {
    const int32_t difference = row[i * p->inner] - row[j * p->inner];
    if (difference == 0) {
        return i < j;
    }
    return p->largest ? difference > 0 : difference < 0;
}

/* The place of the first element behind the one at `last`; of the first of all where that is -1. */
static int32_t next(const mcuq_top_k_s8_params *p, const int8_t *row, int32_t last) {
    int32_t found = -1;
    for (int32_t i = 0; i < p->depth; i++) {
        const int is_left = last < 0 || is_before(p, row, last, i);
        if (is_left && (found < 0 || is_before(p, row, i, found))) {
            found = i;
        }
    }
    return found;
}

void mcuq_top_k_s8(const mcuq_top_k_s8_params *params, const int8_t *input, int8_t *output, void *scratch) {
    const mcuq_top_k_s8_params *const p = params;
    (void)scratch;
    for (int32_t i = 0; i < p->outer; i++) {
        for (int32_t j = 0; j < p->inner; j++) {
            const int8_t *const row = input + i * p->depth * p->inner + j;
            int8_t *const out = output + i * p->count * p->inner + j;
            int32_t last = -1;
            for (int32_t k = 0; k < p->count; k++) {
                last = next(p, row, last);
                out[k * p->inner] = p->indices ? (int8_t)(last - 128) : row[last * p->inner];
            }
        }
    }
}
