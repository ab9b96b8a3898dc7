#include "mcuq_stack.h"

#include "mcuq_emulator.h"

extern const uint32_t mcuq_stack_bottom[];
extern const uint32_t mcuq_stack_top[];

uint32_t mcuq_stack_used(void) {
    const uint32_t *word = mcuq_stack_bottom;
    while (word < mcuq_stack_top && *word == MCUQ_STACK_PAINT) {
        word++;
    }
    return (uint32_t)((uintptr_t)mcuq_stack_top - (uintptr_t)word);
}
