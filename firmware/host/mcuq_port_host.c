/* The host as a chip: standard input and output are the serial line. */
#define _POSIX_C_SOURCE 200112L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#define read _read
#else
#include <poll.h>
#include <unistd.h>
#endif

#include "mcuq_app.h"
#include "mcuq_models.h"
#include "mcuq_port.h"

#define GUARD       64
#define PATTERN     0x5A
#define MAX_BORDERS 64

static uint8_t **guarded; /* what lies between two guards */
static int32_t *guarded_bytes;
static int32_t guarded_count;

static void check_guards(void) {
    for (int32_t i = 0; i < guarded_count; i++) {
        for (int32_t k = 1; k <= GUARD; k++) {
            if (guarded[i][-k] != PATTERN || guarded[i][guarded_bytes[i] + k - 1] != PATTERN) {
                fputs("a guard byte beside an input or output was overwritten\n", stderr);
                exit(3);
            }
        }
    }
}

/* Memory at an odd address, between two guards. */
static void *guard(int32_t bytes) {
    uint8_t *const block = malloc((size_t)bytes + 2 * GUARD + 1);
    if (block == NULL) {
        fputs("out of memory\n", stderr);
        exit(2);
    }
    memset(block, PATTERN, (size_t)bytes + 2 * GUARD + 1);
    guarded[guarded_count] = block + GUARD + 1;
    guarded_bytes[guarded_count] = bytes;
    return guarded[guarded_count++];
}

int32_t mcuq_port_read(void *data, int32_t bytes) {
    fflush(stdout);
    check_guards();
#ifndef _WIN32
    struct pollfd input = {0, POLLIN, 0};
    if (poll(&input, 1, 10) == 0) {
        return 0;
    }
#endif
    const int count = (int)read(0, data, (unsigned)bytes);
    return count > 0 ? count : -1;
}

void mcuq_port_write(const void *data, int32_t bytes) {
    fwrite(data, 1, (size_t)bytes, stdout);
}

const int32_t mcuq_port_counts = MCUQ_COUNTS_NOTHING;

uint32_t mcuq_port_microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)((uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u);
}

uint32_t mcuq_port_cycles(void) {
    return 0; /* no portable counter here; instructions are counted on the emulated chips */
}

mcuq_port_memory_info mcuq_port_memory(void) {
    return (mcuq_port_memory_info){0, 0};
}

void *mcuq_port_arena(int32_t bytes, int32_t external) {
    static uint8_t *block;
    static int32_t size;
    (void)external;
    if (size < bytes) {
        free(block);
        block = malloc((size_t)bytes + 15);
        size = block ? bytes : 0;
    }
    return block ? block + (16 - (uintptr_t)block % 16) % 16 : NULL;
}

/* Give a model guarded buffers of its own, unless its inputs and outputs lie in the arena. */
static void guard_borders(mcuq_model *model, void **buffers) {
    if (model->place != NULL) {
        return;
    }
    if (model->input_count > MAX_BORDERS || model->output_count > MAX_BORDERS) {
        fputs("too many inputs or outputs\n", stderr);
        exit(2);
    }
    for (int32_t i = 0; i < model->input_count; i++) {
        buffers[i] = guard(model->input_bytes[i]);
    }
    for (int32_t i = 0; i < model->output_count; i++) {
        buffers[MAX_BORDERS + i] = guard(model->output_bytes[i]);
    }
    model->inputs = buffers;
    model->outputs = buffers + MAX_BORDERS;
}

int main(void) {
    static const mcuq_model *models[] = {MCUQ_MODELS};
    enum { COUNT = sizeof models / sizeof models[0] };
    static mcuq_model copies[COUNT];
    static void *buffers[COUNT][2 * MAX_BORDERS];
#ifdef _WIN32
    _setmode(_fileno(stdin), _O_BINARY);
    _setmode(_fileno(stdout), _O_BINARY);
#endif
    guarded = calloc(COUNT * 2 * MAX_BORDERS, sizeof *guarded);
    guarded_bytes = calloc(COUNT * 2 * MAX_BORDERS, sizeof *guarded_bytes);
    for (int32_t i = 0; i < COUNT; i++) {
        copies[i] = *models[i];
        guard_borders(&copies[i], buffers[i]);
        models[i] = &copies[i];
    }
    mcuq_app_start(models, COUNT);
    while (mcuq_app_poll() >= 0) {
    }
    return 0;
}
