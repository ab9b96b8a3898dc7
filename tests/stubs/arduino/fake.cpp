/* Arduino as far as the port goes, on the host: Serial is standard input and output, in small pieces. */
#include <Arduino.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "esp_heap_caps.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#ifdef STUB_USB
#define SERIAL_CLASS HWCDC
#else
#define SERIAL_CLASS HardwareSerial
#endif

enum { PIECE = 61 }; /* as much as one call takes or gives */

SERIAL_CLASS Serial;
EspClass ESP;

static bool has_begun;

#ifdef STUB_USB
void HWCDC::begin(unsigned long) {
    has_begun = true;
}
#else
void HardwareSerial::begin(unsigned long, uint32_t, int8_t, int8_t, bool, unsigned long, uint8_t) {
    has_begun = true;
}
#endif

size_t SERIAL_CLASS::setRxBufferSize(size_t size) {
    return has_begun ? 0 : size;
}

int SERIAL_CLASS::available() {
    pollfd line = {0, POLLIN, 0};
    int waiting = 0;
    if (poll(&line, 1, 0) <= 0) {
        return 0;
    }
    ioctl(0, FIONREAD, &waiting);
    if (waiting == 0) {
        exit(0); /* the host has gone */
    }
    return waiting;
}

int SERIAL_CLASS::read() {
    uint8_t byte;
    return ::read(0, &byte, 1) == 1 ? byte : -1;
}

int SERIAL_CLASS::peek() {
    return -1;
}

size_t SERIAL_CLASS::write(uint8_t byte) {
    return write(&byte, 1);
}

size_t SERIAL_CLASS::write(const uint8_t *buffer, size_t size) {
    const ssize_t count = ::write(1, buffer, size < PIECE ? size : PIECE);
    return has_begun && count > 0 ? static_cast<size_t>(count) : 0;
}

size_t Print::write(const uint8_t *, size_t) {
    return 0;
}

size_t Print::println(int number, int) {
    char text[16];
    return write(text, static_cast<size_t>(snprintf(text, sizeof text, "%d\r\n", number)));
}

size_t Stream::readBytes(char *buffer, size_t length) {
    const ssize_t count = ::read(0, buffer, length < PIECE ? length : PIECE);
    return count > 0 ? static_cast<size_t>(count) : 0;
}

uint32_t EspClass::getCycleCount() {
    return static_cast<uint32_t>(240 * micros());
}

unsigned long micros() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<unsigned long>(now.tv_sec) * 1000000UL + static_cast<unsigned long>(now.tv_nsec) / 1000UL;
}

void delay(uint32_t milliseconds) {
    usleep(milliseconds < 20 ? 1000 * milliseconds : 0); /* the second at start is for people */
}

size_t getArduinoLoopTaskStackSize() {
    return 8192;
}

extern "C" {
uint32_t esp_get_free_heap_size(void) {
    return 200000;
}

void heap_caps_free(void *ptr) {
    free(ptr);
}

void *heap_caps_aligned_alloc(size_t alignment, size_t size, uint32_t caps) {
    void *memory = nullptr;
    const bool wanted = caps == (MALLOC_CAP_8BIT | MALLOC_CAP_INTERNAL);
    return wanted && posix_memalign(&memory, alignment, size) == 0 ? memory : nullptr;
}

char *pcTaskGetName(TaskHandle_t) {
    static char name[] = "loopTask";
    return name;
}

UBaseType_t uxTaskGetStackHighWaterMark(TaskHandle_t) {
    return 7000;
}
}

int main() {
    setup();
    for (;;) {
        loop();
    }
}
