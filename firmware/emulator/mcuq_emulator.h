/* What the emulated chips share: the way out, error messages, and the stack. */
#ifndef MCUQ_EMULATOR_H
#define MCUQ_EMULATOR_H

#include <stdint.h>

/* End the emulator with this exit status. One implementation per chip. */
void mcuq_exit(int32_t status) __attribute__((noreturn));

/* Write a text to the emulator's standard error, which is not the serial line. One implementation per chip. */
void mcuq_print_error(const char *text);

/* Say what went wrong where, and exit with status 70. Called by the exception vectors in start.S. */
void mcuq_fault(uint32_t cause, uint32_t pc, uint32_t address) __attribute__((noreturn));

/* On an Xtensa chip: instructions that exception handlers carried out since they were last counted. */
extern uint32_t mcuq_carried_out;

/* The most stack used so far, in bytes. start.S fills the stack with MCUQ_STACK_PAINT. */
uint32_t mcuq_stack_used(void);

#endif
