/* espressif/esp-idf v4.4 to v5.5 components/freertos: FreeRTOS.h, portmacro.h and projdefs.h of the RISC-V port. */
#ifndef STUB_FREERTOS_H
#define STUB_FREERTOS_H

#include <stdint.h>

#include "sdkconfig.h"

typedef uint32_t TickType_t;
typedef unsigned int UBaseType_t;

#define configTICK_RATE_HZ CONFIG_FREERTOS_HZ
#define pdMS_TO_TICKS(xTimeInMs)                                                                                       \
    ((TickType_t)(((TickType_t)(xTimeInMs) * (TickType_t)configTICK_RATE_HZ) / (TickType_t)1000U))

#endif
