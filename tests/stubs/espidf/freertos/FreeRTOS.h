/* espressif/esp-idf v4.4 to v5.5 components/freertos: FreeRTOS.h, portmacro.h and projdefs.h of the RISC-V port. */
#ifndef STUB_FREERTOS_H
#define STUB_FREERTOS_H

#include <stdint.h>

#include "sdkconfig.h"

typedef uint32_t TickType_t;
typedef unsigned int UBaseType_t;
typedef int BaseType_t;
typedef uint8_t StackType_t;

typedef struct {
    uint8_t opaque[344]; /* there: of the scheduler's lists and names, as many bytes as its options make it */
} StaticTask_t;
typedef void (*TaskFunction_t)(void *);

#define pdFALSE ((BaseType_t)0)
#define pdTRUE  ((BaseType_t)1)

#define configTICK_RATE_HZ CONFIG_FREERTOS_HZ
#define pdMS_TO_TICKS(xTimeInMs)                                                                                       \
    ((TickType_t)(((TickType_t)(xTimeInMs) * (TickType_t)configTICK_RATE_HZ) / (TickType_t)1000U))

#define portTICK_PERIOD_MS ((TickType_t)1000 / configTICK_RATE_HZ)
#define portMAX_DELAY      ((TickType_t)0xffffffffUL)

#ifdef __cplusplus
extern "C" {
#endif

BaseType_t xPortInIsrContext(void);
void vPortYield(void);

#ifdef __cplusplus
}
#endif

#endif
