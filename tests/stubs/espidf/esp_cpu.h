/* espressif/esp-idf v5.5 components/esp_hw_support/include/esp_cpu.h; v4.4 has another file of this name. */
#ifndef STUB_ESP_CPU_H
#define STUB_ESP_CPU_H

#include <stdint.h>

#if STUB_IDF_MAJOR >= 5

typedef uint32_t esp_cpu_cycle_count_t;

esp_cpu_cycle_count_t esp_cpu_get_cycle_count(void); /* there: inline */

#endif

#endif
