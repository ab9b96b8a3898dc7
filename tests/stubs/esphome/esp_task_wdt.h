/* espressif/esp-idf v5.5 components/esp_system/include/esp_task_wdt.h */
#ifndef STUB_ESP_TASK_WDT_H
#define STUB_ESP_TASK_WDT_H

#include "esp_err.h"

#ifdef __cplusplus
extern "C" {
#endif

esp_err_t esp_task_wdt_reset(void);

#ifdef __cplusplus
}
#endif

#endif
