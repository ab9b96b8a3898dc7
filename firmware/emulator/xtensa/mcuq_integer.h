/* Integer arithmetic under the names that GCC calls; see mcuq_integer.c. */
#ifndef MCUQ_INTEGER_H
#define MCUQ_INTEGER_H

#include <stdint.h>

uint64_t __muldi3(uint64_t a, uint64_t b); /* the same bits for signed operands */
uint64_t __udivdi3(uint64_t a, uint64_t b);
uint32_t __udivsi3(uint32_t a, uint32_t b);
uint32_t __umodsi3(uint32_t a, uint32_t b);
int32_t __divsi3(int32_t a, int32_t b);
int32_t __modsi3(int32_t a, int32_t b);

#endif
