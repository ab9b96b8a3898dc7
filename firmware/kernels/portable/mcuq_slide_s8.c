#include "mcuq_slide_s8.h"

#include <string.h>

#if defined(__GNUC__)
typedef uint32_t __attribute__((may_alias)) word;
#endif

/* Bytes to the same place or one before it: by words where all is a multiple of one, for not every library does that.
 */
static void move(int8_t *to, const int8_t *from, int32_t bytes) {
#if defined(__GNUC__)
    if ((((uintptr_t)to | (uintptr_t)from | (uintptr_t)bytes) & (sizeof(word) - 1)) == 0) {
        word *t = (word *)(void *)to;
        const word *f = (const word *)(const void *)from;
        const word *const end = f + bytes / (int32_t)sizeof(word);
        for (; end - f >= 4; t += 4, f += 4) {
            const word a = f[0], b = f[1], c = f[2], d = f[3];
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

void mcuq_slide_s8(const mcuq_slide_s8_params *params, const void *input, const void *window, void *output,
                   void *scratch) {
    const int32_t kept = params->window_bytes - params->new_bytes;
    const int8_t *in = input, *old = window;
    int8_t *out = output;
    (void)scratch;
    for (int32_t i = 0; i < params->blocks; i++) {
        move(out, old + params->new_bytes, kept);
        move(out + kept, in, params->new_bytes);
        in += params->new_bytes;
        old += params->window_bytes;
        out += params->window_bytes;
    }
}
