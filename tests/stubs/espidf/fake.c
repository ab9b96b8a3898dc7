/* ESP-IDF as far as the port goes, on the host: every console is standard input and output, in small pieces. */
#define _DEFAULT_SOURCE

#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "driver/uart.h"
#include "driver/usb_serial_jtag.h"
#include "esp_cpu.h"
#include "esp_heap_caps.h"
#include "esp_system.h"
#include "esp_timer.h"
#include "esp_vfs_cdcacm.h"
#include "freertos/task.h"

enum { PIECE = 61, USB_BUFFER = 1024 }; /* as much as one call takes or gives; what the port asks for */

void app_main(void);

static bool is_installed;

static size_t waiting_bytes(TickType_t ticks) {
    struct pollfd line = {0, POLLIN, 0};
    int waiting = 0;
    if (poll(&line, 1, (int)(ticks * 1000 / configTICK_RATE_HZ)) <= 0) {
        return 0;
    }
    ioctl(0, FIONREAD, &waiting);
    if (waiting == 0) {
        exit(0); /* the host has gone */
    }
    return (size_t)waiting;
}

static int read_piece(void *data, size_t bytes, TickType_t ticks) {
    const size_t waiting = waiting_bytes(ticks);
    const size_t most = waiting < PIECE ? waiting : PIECE;
    return !is_installed ? -1 : waiting == 0 ? 0 : (int)read(0, data, bytes < most ? bytes : most);
}

esp_err_t uart_driver_install(uart_port_t port, int rx_buffer, int tx_buffer, int queue_size, QueueHandle_t *queue,
                              int flags) {
    (void)port, (void)tx_buffer, (void)queue_size, (void)queue, (void)flags;
    is_installed = rx_buffer > 128; /* the driver refuses less than its FIFO has */
    return is_installed ? ESP_OK : -1;
}

bool uart_is_driver_installed(uart_port_t port) {
    (void)port;
    return is_installed;
}

int uart_write_bytes(uart_port_t port, const void *data, size_t bytes) {
    (void)port;
    return is_installed ? (int)write(1, data, bytes < PIECE ? bytes : PIECE) : -1;
}

int uart_read_bytes(uart_port_t port, void *data, uint32_t bytes, TickType_t ticks) {
    (void)port;
    return read_piece(data, bytes, ticks);
}

esp_err_t uart_get_buffered_data_len(uart_port_t port, size_t *bytes) {
    (void)port;
    *bytes = waiting_bytes(0);
    return ESP_OK;
}

esp_err_t usb_serial_jtag_driver_install(usb_serial_jtag_driver_config_t *config) {
    is_installed = config->rx_buffer_size > 0 && config->tx_buffer_size >= USB_BUFFER;
    return ESP_OK;
}

int usb_serial_jtag_read_bytes(void *data, uint32_t bytes, TickType_t ticks) {
    return read_piece(data, bytes, ticks);
}

int usb_serial_jtag_write_bytes(const void *data, size_t bytes, TickType_t ticks) {
    (void)ticks;
    return is_installed && bytes < USB_BUFFER ? (int)write(1, data, bytes) : 0;
}

void esp_vfs_dev_cdcacm_set_rx_line_endings(esp_line_endings_t mode) {
    is_installed = mode == ESP_LINE_ENDINGS_LF;
}

void esp_vfs_dev_cdcacm_set_tx_line_endings(esp_line_endings_t mode) {
    is_installed = mode == ESP_LINE_ENDINGS_LF;
}

int64_t esp_timer_get_time(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

#if STUB_IDF_MAJOR >= 5
esp_cpu_cycle_count_t esp_cpu_get_cycle_count(void) {
    return (uint32_t)(160 * esp_timer_get_time());
}
#else
#include "hal/cpu_hal.h"
uint32_t cpu_ll_get_cycle_count(void) {
    return (uint32_t)(160 * esp_timer_get_time());
}
#endif

uint32_t esp_get_free_heap_size(void) {
    return 200000;
}

void heap_caps_free(void *ptr) {
    free(ptr);
}

void *heap_caps_aligned_alloc(size_t alignment, size_t size, uint32_t caps) {
    void *memory = NULL;
    const bool wanted = caps == (MALLOC_CAP_8BIT | MALLOC_CAP_INTERNAL);
    return wanted && posix_memalign(&memory, alignment, size) == 0 ? memory : NULL;
}

char *pcTaskGetName(TaskHandle_t task) {
    static char name[] = "main";
    (void)task;
    return name;
}

UBaseType_t uxTaskGetStackHighWaterMark(TaskHandle_t task) {
    (void)task;
    return 3000;
}

void vTaskDelay(const TickType_t ticks) {
    waiting_bytes(ticks);
}

int main(void) {
    app_main();
    return 0;
}
