/* espressif/esp-idf v4.4 to v5.5 components/esp_system/include/esp_task.h */
#ifndef STUB_ESP_TASK_H
#define STUB_ESP_TASK_H

#include "freertos/FreeRTOS.h"
#include "sdkconfig.h"

#define TASK_EXTRA_STACK_SIZE (512)
#define ESP_TASK_MAIN_STACK   (CONFIG_ESP_MAIN_TASK_STACK_SIZE + TASK_EXTRA_STACK_SIZE)

#endif
