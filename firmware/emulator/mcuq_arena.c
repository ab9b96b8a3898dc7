#include <stddef.h>

#include "mcuq_port.h"

/* What the linker script leaves free. */
extern uint8_t mcuq_heap_start[];
extern uint8_t mcuq_heap_end[];

void *mcuq_port_arena(int32_t bytes, int32_t external) {
    (void)external; /* there is one kind of memory */
    return (uintptr_t)mcuq_heap_end - (uintptr_t)mcuq_heap_start >= (uintptr_t)bytes ? mcuq_heap_start : NULL;
}
