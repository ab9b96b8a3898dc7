/* How many bits of two rows of words differ. No chip here counts bits: three words at a time become sums of every byte.
 *
 * A full adder makes of three words their sums of every bit, and its carries count twice; sums of neighbouring bits
 * follow, 2 and 4 wide, then 8: about 30 instructions for 96 bits. */
#ifndef MCUQ_BITS_H
#define MCUQ_BITS_H

#include <stdint.h>

enum { MCUQ_BITS_BLOCK = 30 }; /* words whose bits a byte can count: 8 each */

/* How many bits are 1 of every four. */
static inline uint32_t mcuq_bits_of_nibbles(uint32_t x) {
    x -= (x >> 1) & 0x55555555u;
    return (x & 0x33333333u) + ((x >> 2) & 0x33333333u);
}

/* How many are 1 of every eight, of three words together. */
static inline uint32_t mcuq_bits_of_three(uint32_t a, uint32_t b, uint32_t c) {
    const uint32_t either = a ^ b;
    const uint32_t carry = (a & b) | (either & c);
    const uint32_t nibbles = mcuq_bits_of_nibbles(either ^ c) + 2 * mcuq_bits_of_nibbles(carry);
    return (nibbles & 0x0F0F0F0Fu) + ((nibbles >> 4) & 0x0F0F0F0Fu);
}

/* The sum of four bytes. */
static inline int32_t mcuq_sum_of_bytes(uint32_t bytes) {
    const uint32_t halves = (bytes & 0x00FF00FFu) + ((bytes >> 8) & 0x00FF00FFu);
    return (int32_t)((halves + (halves >> 16)) & 0xFFFFu);
}

/* How many bits differ of two blocks of words, by byte. */
static inline uint32_t mcuq_bits_of_block(const uint32_t *x, const uint32_t *w, int32_t words) {
    uint32_t bytes = 0;
    for (; words > 2; words -= 3, x += 3, w += 3) {
        bytes += mcuq_bits_of_three(x[0] ^ w[0], x[1] ^ w[1], x[2] ^ w[2]);
    }
    if (words == 2) {
        bytes += mcuq_bits_of_three(x[0] ^ w[0], x[1] ^ w[1], 0);
    } else if (words == 1) {
        bytes += mcuq_bits_of_three(x[0] ^ w[0], 0, 0);
    }
    return bytes;
}

/* How many bits differ of two rows of words. */
static inline int32_t mcuq_bits_that_differ(const uint32_t *x, const uint32_t *w, int32_t words) {
    int32_t count = 0;
    for (; words > MCUQ_BITS_BLOCK; words -= MCUQ_BITS_BLOCK, x += MCUQ_BITS_BLOCK, w += MCUQ_BITS_BLOCK) {
        count += mcuq_sum_of_bytes(mcuq_bits_of_block(x, w, MCUQ_BITS_BLOCK));
    }
    return count + mcuq_sum_of_bytes(mcuq_bits_of_block(x, w, words));
}

#endif
