/* Runs kernel cases on an emulated chip: what kernel_driver.h does on the host, over the serial line.
 *
 * For every sample the inputs come in, if they do not lie in CASE_INPUTS; the output goes out, or nothing more when a
 * guard byte was overwritten. Buffers start at every offset modulo 4 in turn, unless the kernel asks for alignment. */
#include <stdint.h>
#include <string.h>

#include "mcuq_port.h"

enum { GUARD = 32, PATTERN = 0x5A, MAX_INPUTS = 3, SPACE = 1 << 20 };

typedef struct {
    int32_t inputs;
    int32_t input_bytes[MAX_INPUTS];
    int32_t output_bytes;
    int32_t scratch_bytes;
    int32_t alignment;
    int32_t samples;
    void (*call)(const int8_t *const *inputs, int8_t *output, void *scratch);
} kernel_case;

static uint32_t space[SPACE / 4] __attribute__((aligned(16)));
static int32_t used;

/* Bytes at `offset` from a multiple of 16, the pattern around and in them. */
static uint8_t *guarded(int32_t bytes, int32_t offset) {
    uint8_t *const data = (uint8_t *)space + used + GUARD + offset;
    used += (2 * GUARD + offset + bytes + 15) / 16 * 16;
    return data;
}

static int32_t is_intact(const uint8_t *data, int32_t bytes) {
    for (int32_t i = 1; i <= GUARD; i++) {
        if (data[-i] != PATTERN || data[bytes + i - 1] != PATTERN) {
            return 0;
        }
    }
    return 1;
}

#ifdef CASE_INPUTS
/* The next bytes of what the program has brought along: on a busy host the serial line takes seconds for a kilobyte. */
static int32_t receive(uint8_t *data, int32_t bytes) {
    static int32_t taken;
    memcpy(data, CASE_INPUTS + taken, (size_t)bytes);
    taken += bytes;
    return 1;
}
#else
static int32_t receive(uint8_t *data, int32_t bytes) {
    for (int32_t got = 0; got < bytes;) {
        const int32_t count = mcuq_port_read(data + got, bytes - got);
        if (count < 0) {
            return 0;
        }
        got += count;
    }
    return 1;
}
#endif

static int32_t run_sample(const kernel_case *c, int32_t sample) {
    const int32_t offset = c->alignment > 1 ? 0 : sample % 4;
    const int8_t *pointers[MAX_INPUTS] = {0};
    used = 0;
    memset(space, PATTERN, sizeof space);
    for (int32_t i = 0; i < c->inputs; i++) {
        uint8_t *const data = guarded(c->input_bytes[i], offset);
        if (!receive(data, c->input_bytes[i])) {
            return 0;
        }
        pointers[i] = (const int8_t *)data;
    }
    uint8_t *const output = guarded(c->output_bytes, c->alignment > 1 ? 0 : (sample + 1) % 4);
    uint8_t *const scratch = guarded(c->scratch_bytes, 0);
    c->call(pointers, (int8_t *)output, scratch);
    if (!is_intact(output, c->output_bytes) || !is_intact(scratch, c->scratch_bytes)) {
        return 0;
    }
    mcuq_port_write(output, c->output_bytes);
    return 1;
}

static int32_t run_all(const kernel_case *cases, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        for (int32_t s = 0; s < cases[i].samples; s++) {
            if (!run_sample(&cases[i], s)) {
                return 3;
            }
        }
    }
    return 0;
}
