#include "mcuq_mac16_widen.h"

#include "mcuq_mac16_isa.h"

#if !MCUQ_MAC16

static int16_t wide(int8_t x) {
    return (int16_t)(MCUQ_MAC16_TOP - x);
}

void mcuq_mac16_widen(const int8_t *from, int32_t count, int32_t columns, int16_t *to, int32_t from_skip,
                      int32_t to_skip) {
    for (int32_t column = 0; column < columns; column++) {
        for (int32_t k = 0; k < count; k++) {
            *to++ = wide(*from++);
        }
        from += from_skip;
        to += to_skip / 2;
    }
}

void mcuq_mac16_widen_fours(const int8_t *from, int32_t fours, int32_t columns, int16_t *to, int32_t from_skip,
                            int32_t to_skip) {
    for (int32_t column = 0; column < columns; column++) {
        for (int32_t k = 0; k < fours; k++, from += 4, to += 4) {
            to[0] = wide(from[0]);
            to[1] = wide(from[2]);
            to[2] = wide(from[1]);
            to[3] = wide(from[3]);
        }
        from += from_skip;
        to += to_skip / 2;
    }
}

void mcuq_mac16_widen_planes(const mcuq_mac16_planes *planes, const int8_t *from, int16_t *to) {
    for (int32_t row = 0; row < planes->rows; row++) {
        for (int32_t pixel = 0; pixel < planes->pixels; pixel++) {
            const int8_t *const x = from + row * planes->from_row + pixel * planes->from_step;
            int16_t *const first = to + 2 * row + pixel * planes->to_step / 2;
            int16_t *const second = first + planes->plane / 2;
            first[0] = wide(x[0]);
            first[1] = wide(x[2]);
            second[0] = wide(x[1]);
            second[1] = wide(x[3]);
        }
    }
}

#else

typedef int mcuq_mac16_widen_is_assembly; /* a file must not be empty */

#endif
