/* Runs a generated model on the host.
 *
 *   program selftest   run the embedded vectors as the device does
 *   program run        samples from stdin, outputs to stdout, back to back until stdin ends
 *   program trace      the same, but to stdout goes every step: index, bytes (int32), output
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mcuq_app.h"
#include "mcuq_host.h"
#include "mcuq_port.h"

#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#endif

#define GUARD   64
#define PATTERN 0x5A

extern const mcuq_model MCUQ_HOST_MODEL;

static int tracing;

void mcuq_host_after_step(int32_t index, const void *output, int32_t bytes) {
    if (tracing) {
        fwrite(&index, sizeof index, 1, stdout);
        fwrite(&bytes, sizeof bytes, 1, stdout);
        fwrite(output, 1, (size_t)bytes, stdout);
    }
}

void mcuq_port_write(const char *text, int32_t bytes) {
    fwrite(text, 1, (size_t)bytes, stdout);
}

uint32_t mcuq_port_microseconds(void) {
    return (uint32_t)((uint64_t)clock() * 1000000u / CLOCKS_PER_SEC);
}

/* Memory between two guards; the generated code must not touch these. */
static void *guarded(int32_t bytes) {
    uint8_t *const block = malloc((size_t)bytes + 2 * GUARD);
    if (block == NULL) {
        fputs("out of memory\n", stderr);
        exit(2);
    }
    memset(block, PATTERN, (size_t)bytes + 2 * GUARD);
    return block + GUARD;
}

static void check_guards(const void *data, int32_t bytes) {
    const uint8_t *const start = data;
    for (int32_t i = 1; i <= GUARD; i++) {
        if (start[-i] != PATTERN || start[bytes + i - 1] != PATTERN) {
            fputs("a guard byte beside an input or output was overwritten\n", stderr);
            exit(3);
        }
    }
}

/* One guarded buffer per input or output. They live as long as the program. */
static void **guarded_all(const int32_t *bytes, int32_t count) {
    void **const buffers = guarded(count * (int32_t)sizeof *buffers);
    for (int32_t i = 0; i < count; i++) {
        buffers[i] = guarded(bytes[i]);
    }
    return buffers;
}

static int stream(const mcuq_model *model) {
    static void **inputs;
    static void **outputs;
    inputs = guarded_all(model->input_bytes, model->input_count);
    outputs = guarded_all(model->output_bytes, model->output_count);
    for (;;) {
        for (int32_t i = 0; i < model->input_count; i++) {
            const size_t wanted = (size_t)model->input_bytes[i];
            const size_t got = fread(inputs[i], 1, wanted, stdin);
            if (got < wanted) {
                return i == 0 && got == 0 ? 0 : 4; /* stdin may only end between samples */
            }
        }
        model->run((const void *const *)inputs, outputs);
        for (int32_t i = 0; i < model->output_count; i++) {
            check_guards(outputs[i], model->output_bytes[i]);
            if (!tracing) {
                fwrite(outputs[i], 1, (size_t)model->output_bytes[i], stdout);
            }
        }
        for (int32_t i = 0; i < model->input_count; i++) {
            check_guards(inputs[i], model->input_bytes[i]);
        }
    }
}

int main(int argc, char **argv) {
#ifdef _WIN32
    _setmode(_fileno(stdin), _O_BINARY);
    _setmode(_fileno(stdout), _O_BINARY);
#endif
    const char *const mode = argc > 1 ? argv[1] : "run";
    if (strcmp(mode, "selftest") == 0) {
        return mcuq_self_test(&MCUQ_HOST_MODEL) == 0 ? 0 : 1;
    }
    tracing = strcmp(mode, "trace") == 0;
    return stream(&MCUQ_HOST_MODEL);
}
