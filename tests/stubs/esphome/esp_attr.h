/* espressif/esp-idf v5.5 components/esp_common/include/esp_attr.h; there: a section with a counter in its name. */
#ifndef STUB_ESP_ATTR_H
#define STUB_ESP_ATTR_H

#define IRAM_ATTR __attribute__((section(".iram1")))

#endif
