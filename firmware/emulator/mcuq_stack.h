/* The stack's fill, for C and assembly; its limits are symbols of the linker script. */
#ifndef MCUQ_STACK_H
#define MCUQ_STACK_H

#define MCUQ_STACK_PAINT 0xC5A3C5A3

#endif
