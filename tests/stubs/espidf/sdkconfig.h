/* STUB_CONSOLE_... chooses the console as `idf.py menuconfig` would. */
#ifndef STUB_SDKCONFIG_H
#define STUB_SDKCONFIG_H

#define CONFIG_IDF_TARGET               "esp32c3"
#define CONFIG_ESP_MAIN_TASK_STACK_SIZE 3584
#define CONFIG_FREERTOS_HZ              100
#define CONFIG_ESP_TASK_WDT_TIMEOUT_S   5

#if defined(STUB_CONSOLE_USB_SERIAL_JTAG)
#define CONFIG_ESP_CONSOLE_USB_SERIAL_JTAG 1
#define CONFIG_ESP_CONSOLE_UART_NUM        (-1)
#elif defined(STUB_CONSOLE_USB_CDC)
#define CONFIG_ESP_CONSOLE_USB_CDC  1
#define CONFIG_ESP_CONSOLE_UART_NUM (-1)
#else
#define CONFIG_ESP_CONSOLE_UART_DEFAULT 1
#define CONFIG_ESP_CONSOLE_UART         1
#define CONFIG_ESP_CONSOLE_UART_NUM     0
#endif

#endif
