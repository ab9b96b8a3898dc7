/* This computer's standard output in place of a serial port. */
#include <stdio.h>

#include "mcuq_port.h"

void mcuq_port_write(const void *data, int32_t bytes) {
    fwrite(data, 1, (size_t)bytes, stdout);
}
