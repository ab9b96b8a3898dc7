/* espressif/esp-idf v5.5 components/log/include/esp_log.h, of which ESPHome's log.h takes macros away. */
#ifndef STUB_ESP_LOG_H
#define STUB_ESP_LOG_H

#endif
