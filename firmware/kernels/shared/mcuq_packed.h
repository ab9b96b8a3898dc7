/* Weights of 1, 2 or 4 bits: indices of int8 levels, the first one of a byte in its lowest bits. */
#ifndef MCUQ_PACKED_H
#define MCUQ_PACKED_H

#include <stdint.h>

/* Bytes that so many indices take. */
static inline int32_t mcuq_packed_bytes(int32_t count, int32_t bits) {
    return (count * bits + 7) >> 3;
}

/* The levels of `count` indices. */
static inline void mcuq_unpack(const uint8_t *packed, int32_t bits, const int8_t *levels, int32_t count, int8_t *out) {
    const int8_t *const end = out + count;
    if (bits == 4) {
        for (const int8_t *const whole = out + (count & ~1); out != whole; out += 2) {
            const uint32_t byte = *packed++;
            out[0] = levels[byte & 15u];
            out[1] = levels[byte >> 4];
        }
    } else if (bits == 2) {
        for (const int8_t *const whole = out + (count & ~3); out != whole; out += 4) {
            const uint32_t byte = *packed++;
            out[0] = levels[byte & 3u];
            out[1] = levels[byte >> 2 & 3u];
            out[2] = levels[byte >> 4 & 3u];
            out[3] = levels[byte >> 6];
        }
    } else {
        for (const int8_t *const whole = out + (count & ~7); out != whole;) {
            uint32_t byte = *packed++;
            for (const int8_t *const eighth = out + 8; out != eighth; byte >>= 1) {
                *out++ = levels[byte & 1u];
            }
        }
    }
    if (out != end) {
        const uint32_t mask = (1u << bits) - 1u;
        for (uint32_t byte = *packed; out != end; byte >>= bits) {
            *out++ = levels[byte & mask];
        }
    }
}

#endif
