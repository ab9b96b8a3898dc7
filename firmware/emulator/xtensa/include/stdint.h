/* GCC's own; its <stdint.h> looks for a C library's, and the compiler comes without one. */
#ifndef MCUQ_STDINT_H
#define MCUQ_STDINT_H

#include <stdint-gcc.h>

#endif
