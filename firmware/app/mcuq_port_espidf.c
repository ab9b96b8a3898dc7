/* ESP-IDF 4.4 to 6: the line is the console that sdkconfig names (CONFIG_ESP_CONSOLE_...).
 *
 * A UART or USB-Serial-JTAG console goes through its driver, which is installed here unless the application has done
 * so; that bypasses stdio, so no newline is converted. printf and the log still work beside it. What they print while a
 * request is being served damages that frame; the checksum tells, and the host asks again. A USB CDC console (ESP32-S2)
 * has no driver of its own: its newline conversion is switched off. */
#if defined(ESP_PLATFORM) && !defined(ARDUINO)

#include <string.h>

#include "esp_idf_version.h"
#include "esp_system.h"
#include "esp_task.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "sdkconfig.h"

#if ESP_IDF_VERSION >= ESP_IDF_VERSION_VAL(5, 0, 0)
#include "esp_cpu.h"
#else
#include "hal/cpu_hal.h"
#endif

#include "mcuq_port.h"

#define PATIENCE (pdMS_TO_TICKS(10) > 0 ? pdMS_TO_TICKS(10) : 1)

enum { RECEIVE_BUFFER = 4096 };

#if defined(CONFIG_ESP_CONSOLE_USB_SERIAL_JTAG)

#include "driver/usb_serial_jtag.h"

enum { SEND_BUFFER = 1024, SEND_CHUNK = 512 }; /* the driver refuses a chunk that its buffer cannot hold */

static void console_install(void) {
    static int32_t is_installed;
    if (!is_installed) {
        usb_serial_jtag_driver_config_t config = {.tx_buffer_size = SEND_BUFFER, .rx_buffer_size = RECEIVE_BUFFER};
        usb_serial_jtag_driver_install(&config); /* fails if the application was first: equally well */
        is_installed = 1;
    }
}

static int32_t console_read(void *data, int32_t bytes) {
    return (int32_t)usb_serial_jtag_read_bytes(data, (uint32_t)bytes, PATIENCE);
}

static int32_t console_write(const uint8_t *data, int32_t bytes) {
    static TickType_t patience = pdMS_TO_TICKS(200);
    const int32_t chunk = bytes < SEND_CHUNK ? bytes : SEND_CHUNK;
    const int32_t sent = (int32_t)usb_serial_jtag_write_bytes(data, (size_t)chunk, patience);
    patience = sent > 0 ? pdMS_TO_TICKS(200) : 0; /* nobody listens: wait no more until somebody does */
    return sent;
}

#elif defined(CONFIG_ESP_CONSOLE_UART_NUM) && CONFIG_ESP_CONSOLE_UART_NUM >= 0

#include "driver/uart.h"

#define PORT ((uart_port_t)CONFIG_ESP_CONSOLE_UART_NUM)

static void console_install(void) {
    if (!uart_is_driver_installed(PORT)) {
        uart_driver_install(PORT, RECEIVE_BUFFER, 0, 0, NULL, 0);
    }
}

static int32_t console_read(void *data, int32_t bytes) {
    size_t waiting = 0;
    uart_get_buffered_data_len(PORT, &waiting);
    if (waiting == 0) {
        return (int32_t)uart_read_bytes(PORT, data, 1, PATIENCE);
    }
    const uint32_t count = waiting < (size_t)bytes ? (uint32_t)waiting : (uint32_t)bytes;
    return (int32_t)uart_read_bytes(PORT, data, count, 0);
}

static int32_t console_write(const uint8_t *data, int32_t bytes) {
    return (int32_t)uart_write_bytes(PORT, data, (size_t)bytes);
}

#else /* USB CDC, or a console of the application's */

#include <fcntl.h>
#include <unistd.h>

#ifdef CONFIG_ESP_CONSOLE_USB_CDC
#include "esp_vfs_cdcacm.h"
#endif

static void console_install(void) {
    static int32_t is_installed;
    if (!is_installed) {
#ifdef CONFIG_ESP_CONSOLE_USB_CDC
        esp_vfs_dev_cdcacm_set_rx_line_endings(ESP_LINE_ENDINGS_LF);
        esp_vfs_dev_cdcacm_set_tx_line_endings(ESP_LINE_ENDINGS_LF);
#endif
        fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL, 0) | O_NONBLOCK);
        is_installed = 1;
    }
}

static int32_t console_read(void *data, int32_t bytes) {
    const int32_t count = (int32_t)read(STDIN_FILENO, data, (size_t)bytes);
    if (count <= 0) {
        vTaskDelay(PATIENCE);
    }
    return count;
}

static int32_t console_write(const uint8_t *data, int32_t bytes) {
    return (int32_t)write(STDOUT_FILENO, data, (size_t)bytes);
}

#endif

int32_t mcuq_port_read(void *data, int32_t bytes) {
    console_install();
    const int32_t count = console_read(data, bytes);
    return count > 0 ? count : 0; /* a failure may pass: a console is never closed for good */
}

void mcuq_port_write(const void *data, int32_t bytes) {
    const uint8_t *next = data;
    console_install();
    while (bytes > 0) {
        const int32_t sent = console_write(next, bytes);
        if (sent <= 0) {
            return; /* what nobody reads is dropped */
        }
        next += sent;
        bytes -= sent;
    }
}

const int32_t mcuq_port_counts = MCUQ_COUNTS_CYCLES;

uint32_t mcuq_port_microseconds(void) {
    return (uint32_t)esp_timer_get_time();
}

uint32_t mcuq_port_cycles(void) {
#if ESP_IDF_VERSION >= ESP_IDF_VERSION_VAL(5, 0, 0)
    return (uint32_t)esp_cpu_get_cycle_count();
#else
    return (uint32_t)cpu_hal_get_cycle_count();
#endif
}

mcuq_port_memory_info mcuq_port_memory(void) {
    mcuq_port_memory_info memory = {(uint32_t)esp_get_free_heap_size(), 0};
    if (strcmp(pcTaskGetName(NULL), "main") == 0) { /* the one task whose stack size is known here */
        memory.stack_used = (uint32_t)(ESP_TASK_MAIN_STACK - uxTaskGetStackHighWaterMark(NULL));
    }
    return memory;
}

#else

typedef int mcuq_port_espidf_is_empty; /* ISO C wants a declaration */

#endif
