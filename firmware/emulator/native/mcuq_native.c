/* This computer in place of a chip: every model's self-test on standard output, nothing read. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "mcuq_port.h"

const int32_t mcuq_port_counts = MCUQ_COUNTS_NOTHING;

int32_t mcuq_port_read(void *data, int32_t bytes) {
    (void)data;
    (void)bytes;
    return -1; /* the line has ended */
}

void mcuq_port_write(const void *data, int32_t bytes) {
    fwrite(data, 1, (size_t)bytes, stdout);
}

uint32_t mcuq_port_microseconds(void) {
    return 0;
}

uint32_t mcuq_port_cycles(void) {
    return 0;
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
        size = block != NULL ? bytes : 0;
    }
    return block != NULL ? block + (16 - (uintptr_t)block % 16) % 16 : NULL;
}

#ifndef MCUQ_NO_MAIN /* in `pio test` the test has its own */
#include "mcuq_app.h"
#include "mcuq_models.h"

int main(void) {
    static const mcuq_model *const models[] = {MCUQ_MODELS};
    int32_t different = 0;
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        different += mcuq_self_test(models[i]);
    }
    return different == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
#endif
