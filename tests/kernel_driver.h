/* Runs kernel cases: inputs from stdin, outputs to stdout, guards around every buffer (contract N2).
 *
 * Buffers start at every offset modulo 4 in turn, unless the kernel asks for alignment. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size)   ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

enum { GUARD = 64, PATTERN = 0x5A, MAX_INPUTS = 8 };

typedef struct {
    const char *name;
    int inputs;
    size_t input_bytes[MAX_INPUTS];
    size_t output_bytes;
    size_t scratch_bytes;
    size_t alignment;
    int samples;
    void (*call)(const int8_t *const *inputs, int8_t *output, void *scratch);
} kernel_case;

typedef struct {
    uint8_t *block;
    uint8_t *data;
    size_t bytes;
} guarded;

static guarded guarded_new(size_t bytes, size_t offset) {
    guarded g;
    g.block = malloc(2 * GUARD + offset + bytes); /* 16-aligned */
    g.data = g.block + GUARD + offset;
    g.bytes = bytes;
    memset(g.block, PATTERN, 2 * GUARD + offset + bytes);
    ASAN_POISON_MEMORY_REGION(g.block, GUARD);
    ASAN_POISON_MEMORY_REGION(g.data + bytes, GUARD);
    return g;
}

static void guarded_free(guarded g, const char *name) {
    const uint8_t *const end = g.data + g.bytes + GUARD;
    ASAN_UNPOISON_MEMORY_REGION(g.block, GUARD);
    ASAN_UNPOISON_MEMORY_REGION(g.data + g.bytes, GUARD);
    for (const uint8_t *byte = g.block; byte < end; byte++) {
        if ((byte < g.data || byte >= g.data + g.bytes) && *byte != PATTERN) {
            fprintf(stderr, "%s: guard byte overwritten at %ld\n", name, (long)(byte - g.data));
            exit(3);
        }
    }
    free(g.block);
}

static void run_sample(const kernel_case *c, int sample) {
    const size_t offset = c->alignment > 1 ? 0 : (size_t)sample % 4;
    guarded in[MAX_INPUTS], copy[MAX_INPUTS];
    const int8_t *pointers[MAX_INPUTS] = {0};
    guarded out = guarded_new(c->output_bytes, c->alignment > 1 ? 0 : (size_t)(sample + 1) % 4);
    guarded scratch = guarded_new(c->scratch_bytes, 0);
    for (int i = 0; i < c->inputs; i++) {
        in[i] = guarded_new(c->input_bytes[i], offset);
        copy[i] = guarded_new(c->input_bytes[i], 0);
        if (fread(in[i].data, 1, c->input_bytes[i], stdin) != c->input_bytes[i]) {
            exit(4);
        }
        memcpy(copy[i].data, in[i].data, c->input_bytes[i]);
        pointers[i] = (const int8_t *)in[i].data;
    }
    c->call(pointers, (int8_t *)out.data, c->scratch_bytes ? scratch.data : NULL);
    fwrite(out.data, 1, c->output_bytes, stdout);
    for (int i = 0; i < c->inputs; i++) {
        if (memcmp(copy[i].data, in[i].data, c->input_bytes[i]) != 0) {
            fprintf(stderr, "%s: input %d was changed\n", c->name, i);
            exit(3);
        }
        guarded_free(in[i], c->name);
        guarded_free(copy[i], c->name);
    }
    guarded_free(out, c->name);
    guarded_free(scratch, c->name);
}

static int run_all(const kernel_case *cases, int count) {
    for (int i = 0; i < count; i++) {
        for (int s = 0; s < cases[i].samples; s++) {
            run_sample(&cases[i], s);
        }
    }
    return 0;
}
