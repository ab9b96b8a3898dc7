#if defined(ARDUINO)

#include <Arduino.h>

#include "mcuq_port.h"

void mcuq_port_write(const char *text, int32_t bytes) {
    Serial.write(reinterpret_cast<const uint8_t *>(text), static_cast<size_t>(bytes));
}

uint32_t mcuq_port_microseconds(void) {
    return micros();
}

#endif
