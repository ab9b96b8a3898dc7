/* espressif/esp-idf v4.4 to v5.5 components/esp_system/include/esp_system.h */
#ifndef STUB_ESP_SYSTEM_H
#define STUB_ESP_SYSTEM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

uint32_t esp_get_free_heap_size(void);

#ifdef __cplusplus
}
#endif

#endif
