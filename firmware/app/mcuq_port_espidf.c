#if defined(ESP_PLATFORM) && !defined(ARDUINO)

#include <stdio.h>

#include "esp_timer.h"

#include "mcuq_port.h"

void mcuq_port_write(const char *text, int32_t bytes) {
    fwrite(text, 1, (size_t)bytes, stdout);
    fflush(stdout);
}

uint32_t mcuq_port_microseconds(void) {
    return (uint32_t)esp_timer_get_time();
}

#else

typedef int mcuq_port_espidf_is_empty; /* ISO C wants a declaration */

#endif
