/* The functions of <string.h> that the library and GCC itself call; there is no C library for this compiler.
 *
 * Words are copied where both sides are aligned, as the ESP32's C library does, so that counts are comparable. */
#include <stdint.h>
#include <string.h>

/* Else GCC sees what these loops are and calls the function they stand in. */
#pragma GCC optimize("no-tree-loop-distribute-patterns")

#define WORD 4

typedef uint32_t __attribute__((may_alias)) word;

static int is_aligned(const void *a, const void *b) {
    return (((uintptr_t)a | (uintptr_t)b) & (WORD - 1)) == 0;
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes) {
    uint8_t *target = to;
    const uint8_t *source = from;
    if (is_aligned(target, source)) {
        for (; bytes >= WORD; bytes -= WORD, target += WORD, source += WORD) {
            *(word *)(void *)target = *(const word *)(const void *)source;
        }
    }
    while (bytes-- > 0) {
        *target++ = *source++;
    }
    return to;
}

void *memmove(void *to, const void *from, size_t bytes) {
    uint8_t *target = to;
    const uint8_t *source = from;
    if ((uintptr_t)target - (uintptr_t)source >= bytes) { /* also where the target lies in front */
        for (size_t i = 0; i < bytes; i++) {
            target[i] = source[i];
        }
    } else {
        while (bytes-- > 0) {
            target[bytes] = source[bytes];
        }
    }
    return to;
}

void *memset(void *to, int value, size_t bytes) {
    uint8_t *target = to;
    if (is_aligned(target, target)) {
        const uint32_t four = (uint8_t)value * 0x01010101u;
        for (; bytes >= WORD; bytes -= WORD, target += WORD) {
            *(word *)(void *)target = four;
        }
    }
    while (bytes-- > 0) {
        *target++ = (uint8_t)value;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t bytes) {
    const uint8_t *left = a;
    const uint8_t *right = b;
    for (size_t i = 0; i < bytes; i++) {
        if (left[i] != right[i]) {
            return left[i] - right[i];
        }
    }
    return 0;
}

size_t strlen(const char *text) {
    const char *end = text;
    while (*end != 0) {
        end++;
    }
    return (size_t)(end - text);
}
