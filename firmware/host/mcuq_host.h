/* Included ahead of every generated file in the host build: routes the step hook to the runner. */
#ifndef MCUQ_HOST_H
#define MCUQ_HOST_H

#include <stdint.h>

#define MCUQ_AFTER_STEP(index, output, bytes) mcuq_host_after_step((index), (output), (bytes))

void mcuq_host_after_step(int32_t index, const void *output, int32_t bytes);

#endif
