/* espressif/esp-idf v4.4 to v5.5 components/esp_timer/include/esp_timer.h */
#ifndef STUB_ESP_TIMER_H
#define STUB_ESP_TIMER_H

#include <stdint.h>

int64_t esp_timer_get_time(void);

#endif
