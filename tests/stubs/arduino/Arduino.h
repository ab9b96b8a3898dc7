/* What the Arduino port and the templates call, declared as espressif/arduino-esp32 2.0.17 does (core 3 is the same
 * here): cores/esp32/{Arduino,Print,Stream,HardwareSerial,HWCDC,Esp,esp32-hal}.h. STUB_USB makes Serial the USB class.
 * fake.cpp behaves as the line does: standard input and output. */
#ifndef STUB_ARDUINO_H
#define STUB_ARDUINO_H

#include <stddef.h>
#include <stdint.h>

#define SERIAL_8N1 0x800001c

class Print {
  public:
    virtual size_t write(uint8_t) = 0;
    virtual size_t write(const uint8_t *buffer, size_t size);
    size_t write(const char *buffer, size_t size) {
        return write(reinterpret_cast<const uint8_t *>(buffer), size);
    }
    size_t println(int number, int base = 10);
};

class Stream : public Print {
  public:
    virtual int available() = 0;
    virtual int read() = 0;
    virtual int peek() = 0;
    virtual size_t readBytes(char *buffer, size_t length);
    virtual size_t readBytes(uint8_t *buffer, size_t length) {
        return readBytes(reinterpret_cast<char *>(buffer), length);
    }
};

#ifdef STUB_USB

class HWCDC : public Stream {
  public:
    size_t setRxBufferSize(size_t);
    size_t setTxBufferSize(size_t);
    void setTxTimeoutMs(uint32_t timeout);
    void begin(unsigned long baud = 0);
    int available(void) override;
    int peek(void) override;
    int read(void) override;
    size_t read(uint8_t *buffer, size_t size);
    size_t write(uint8_t) override;
    size_t write(const uint8_t *buffer, size_t size) override;
    void flush(void);
};

extern HWCDC Serial;

#else

class HardwareSerial : public Stream {
  public:
    void begin(unsigned long baud, uint32_t config = SERIAL_8N1, int8_t rxPin = -1, int8_t txPin = -1,
               bool invert = false, unsigned long timeout_ms = 20000UL, uint8_t rxfifo_full_thrhd = 112);
    int available(void) override;
    int peek(void) override;
    int read(void) override;
    size_t read(uint8_t *buffer, size_t size);
    void flush(void);
    size_t write(uint8_t) override;
    size_t write(const uint8_t *buffer, size_t size) override;
    size_t setRxBufferSize(size_t new_size);
    size_t setTxBufferSize(size_t new_size);
};

extern HardwareSerial Serial;

#endif

class EspClass {
  public:
    uint32_t getFreeHeap();
    uint32_t getCycleCount();
};

extern EspClass ESP;

void setup(void);
void loop(void);
size_t getArduinoLoopTaskStackSize(void);

extern "C" {
unsigned long micros();
unsigned long millis();
void delay(uint32_t);
}

#endif
