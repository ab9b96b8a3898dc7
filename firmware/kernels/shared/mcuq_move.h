/* Bytes to the same place or one before it. */
#ifndef MCUQ_MOVE_H
#define MCUQ_MOVE_H

#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
typedef uint32_t __attribute__((may_alias)) mcuq_moved_word;
#endif

/* By words where all is a multiple of one, for not every library does that. */
static inline void mcuq_move(int8_t *to, const int8_t *from, int32_t bytes) {
#if defined(__GNUC__)
    if ((((uintptr_t)to | (uintptr_t)from | (uintptr_t)bytes) & (sizeof(mcuq_moved_word) - 1)) == 0) {
        mcuq_moved_word *t = (mcuq_moved_word *)(void *)to;
        const mcuq_moved_word *f = (const mcuq_moved_word *)(const void *)from;
        const mcuq_moved_word *const end = f + bytes / (int32_t)sizeof(mcuq_moved_word);
        for (; end - f >= 4; t += 4, f += 4) {
            const mcuq_moved_word a = f[0], b = f[1], c = f[2], d = f[3];
            t[0] = a, t[1] = b, t[2] = c, t[3] = d;
        }
        while (f != end) {
            *t++ = *f++;
        }
        return;
    }
#endif
    memmove(to, from, (size_t)bytes);
}

#endif
