/* espressif/esp-idf v4.4 components/driver/include/driver/uart.h, v5.5
 * components/esp_driver_uart/include/driver/uart.h; uart_port_t: int up to v5.1, then an enum
 * (components/hal/include/hal/uart_types.h). */
#ifndef STUB_DRIVER_UART_H
#define STUB_DRIVER_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"
#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"

#if STUB_IDF_MAJOR >= 5
typedef enum { UART_NUM_0, UART_NUM_1, UART_NUM_MAX } uart_port_t;
#else
typedef int uart_port_t;
#endif

esp_err_t uart_driver_install(uart_port_t uart_num, int rx_buffer_size, int tx_buffer_size, int queue_size,
                              QueueHandle_t *uart_queue, int intr_alloc_flags);
bool uart_is_driver_installed(uart_port_t uart_num);
int uart_write_bytes(uart_port_t uart_num, const void *src, size_t size);
int uart_read_bytes(uart_port_t uart_num, void *buf, uint32_t length, TickType_t ticks_to_wait);
esp_err_t uart_get_buffered_data_len(uart_port_t uart_num, size_t *size);

#endif
