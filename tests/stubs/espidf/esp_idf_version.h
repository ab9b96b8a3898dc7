/* espressif/esp-idf v5.5 components/esp_common/include/esp_idf_version.h; STUB_IDF_MAJOR is 4, 5 or 6. */
#ifndef STUB_ESP_IDF_VERSION_H
#define STUB_ESP_IDF_VERSION_H

#define ESP_IDF_VERSION_VAL(major, minor, patch) ((major << 16) | (minor << 8) | (patch))
#define ESP_IDF_VERSION                          ESP_IDF_VERSION_VAL(STUB_IDF_MAJOR, 4, 0)

#endif
