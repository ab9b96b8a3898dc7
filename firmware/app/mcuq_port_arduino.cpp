/* Arduino: `Serial` is the line, whatever the board makes of it (a UART, USB-Serial-JTAG or USB CDC).
 *
 * Works with core 2 (ESP-IDF 4.4) and core 3. What else the sketch prints while a request is being served damages that
 * frame; the checksum tells, and the host asks again. */
#if defined(ARDUINO)

#include <Arduino.h>

#include <string.h>

#ifdef ESP_PLATFORM
#include <esp_system.h>
#include <freertos/FreeRTOS.h>
#include <freertos/task.h>
#endif

#include "mcuq_port.h"

enum { PATIENCE_MS = 10 };

int32_t mcuq_port_read(void *data, int32_t bytes) {
    for (int32_t waited = 0; Serial.available() <= 0; waited++) {
        if (waited == PATIENCE_MS) {
            return 0;
        }
        delay(1); /* other tasks run, the watchdog is fed */
    }
    const int32_t waiting = Serial.available();
    const int32_t count = waiting < bytes ? waiting : bytes;
    return static_cast<int32_t>(Serial.readBytes(static_cast<uint8_t *>(data), static_cast<size_t>(count)));
}

void mcuq_port_write(const void *data, int32_t bytes) {
    const uint8_t *next = static_cast<const uint8_t *>(data);
    size_t left = static_cast<size_t>(bytes);
    while (left > 0) {
        const size_t written = Serial.write(next, left);
        if (written == 0) {
            return; /* USB without a host: what nobody reads is dropped */
        }
        next += written;
        left -= written;
    }
}

const int32_t mcuq_port_counts = MCUQ_COUNTS_CYCLES;

uint32_t mcuq_port_microseconds(void) {
    return static_cast<uint32_t>(micros());
}

#ifdef ESP_PLATFORM

uint32_t mcuq_port_cycles(void) {
    return ESP.getCycleCount();
}

mcuq_port_memory_info mcuq_port_memory(void) {
    mcuq_port_memory_info memory = {static_cast<uint32_t>(esp_get_free_heap_size()), 0};
    if (strcmp(pcTaskGetName(NULL), "loopTask") == 0) { /* the one task whose stack size is known here */
        memory.stack_used = static_cast<uint32_t>(getArduinoLoopTaskStackSize() - uxTaskGetStackHighWaterMark(NULL));
    }
    return memory;
}

#else /* another Arduino core */

uint32_t mcuq_port_cycles(void) {
    return 0;
}

mcuq_port_memory_info mcuq_port_memory(void) {
    const mcuq_port_memory_info unknown = {0, 0};
    return unknown;
}

void *mcuq_port_arena(int32_t bytes, int32_t external) {
    (void)bytes;
    (void)external;
    return NULL; /* generate the model with a static arena */
}

#endif

#endif
