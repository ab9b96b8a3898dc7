/* The port layer on QEMU's RISC-V `virt` machine: a 16550 UART is the serial line.
 *
 * mcuq_port_cycles is in start.S: it is one instruction that C has no words for.
 *
 * Waiting for a byte is done asleep, not by polling: under -icount a poll of a device takes QEMU about a microsecond,
 * and its clock stands nearly still meanwhile. Asleep, the clock follows real time, and nothing is spent. */
#include "mcuq_port.h"

#include "mcuq_emulator.h"

#define BYTE_AT(address) (*(volatile uint8_t *)(uintptr_t)(address))
#define WORD_AT(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define UART_DATA        BYTE_AT(0x10000000) /* divisor, low byte, while UART_LINE_CONTROL says so */
#define UART_INTERRUPTS  BYTE_AT(0x10000001)
#define UART_FIFO        BYTE_AT(0x10000002)
#define UART_LINE        BYTE_AT(0x10000003)
#define UART_LINE_STATUS BYTE_AT(0x10000005)

#define PLIC_UART_PRIORITY WORD_AT(0x0c000000 + 4 * UART_SOURCE)
#define PLIC_ENABLE        WORD_AT(0x0c002000)
#define PLIC_THRESHOLD     WORD_AT(0x0c200000)
#define PLIC_CLAIM         WORD_AT(0x0c200004)

#define CLINT_COMPARE_LOW  WORD_AT(0x02004000)
#define CLINT_COMPARE_HIGH WORD_AT(0x02004004)
#define CLINT_TIME_LOW     WORD_AT(0x0200bff8)
#define CLINT_TIME_HIGH    WORD_AT(0x0200bffc)

enum {
    UART_SOURCE = 10,

    DATA_READY = 1, /* line status */
    HOLDING_EMPTY = 0x20,
    ALL_SENT = 0x40,

    EIGHT_BITS = 3, /* line control */
    DIVISOR_ACCESS = 0x80,

    FIFO_ON_AND_EMPTY = 7,
    FIFO_TRIGGER_14 = 0xC0,

    TICKS_PER_MICROSECOND = 10,
    WAIT_TICKS = 10000 * TICKS_PER_MICROSECOND,

    SEMIHOST_WRITE0 = 4,
    SEMIHOST_EXIT_EXTENDED = 0x20,
    APPLICATION_EXIT = 0x20026
};

int32_t mcuq_semihost(int32_t operation, const void *argument);
void mcuq_port_start(void);

/* Called by start.S before main. Interrupts wake the processor but are never taken (start.S). */
void mcuq_port_start(void) {
    UART_LINE = DIVISOR_ACCESS;
    UART_DATA = 1; /* the fastest line: how long a FIFO that is not full waits before it interrupts */
    UART_INTERRUPTS = 0;
    UART_LINE = EIGHT_BITS;
    UART_FIFO = FIFO_ON_AND_EMPTY | FIFO_TRIGGER_14;
    UART_INTERRUPTS = 1; /* on received data */
    PLIC_UART_PRIORITY = 1;
    PLIC_ENABLE = 1u << UART_SOURCE;
    PLIC_THRESHOLD = 0;
}

static uint64_t time_now(void) {
    uint32_t high;
    uint32_t low;
    do {
        high = CLINT_TIME_HIGH;
        low = CLINT_TIME_LOW;
    } while (high != CLINT_TIME_HIGH);
    return (uint64_t)high << 32 | low;
}

static int32_t has_byte(void) {
    return UART_LINE_STATUS & DATA_READY;
}

/* Sleep until a byte has come or WAIT_TICKS are over; return whether a byte is there. */
static int32_t wait_for_byte(void) {
    const uint64_t end = time_now() + WAIT_TICKS;
    CLINT_COMPARE_HIGH = UINT32_MAX; /* no early interrupt between the halves */
    CLINT_COMPARE_LOW = (uint32_t)end;
    CLINT_COMPARE_HIGH = (uint32_t)(end >> 32);
    while (!has_byte() && time_now() < end) {
        __asm__ volatile("wfi");
        PLIC_CLAIM = PLIC_CLAIM; /* claim and complete, else the same interrupt ends the next sleep at once */
    }
    return has_byte();
}

int32_t mcuq_port_read(void *data, int32_t bytes) {
    uint8_t *const target = data;
    int32_t count = 0;
    if (!has_byte() && !wait_for_byte()) {
        return 0;
    }
    while (count < bytes && has_byte()) {
        target[count++] = UART_DATA;
    }
    return count;
}

void mcuq_port_write(const void *data, int32_t bytes) {
    const uint8_t *const source = data;
    for (int32_t i = 0; i < bytes; i++) {
        while (!(UART_LINE_STATUS & HOLDING_EMPTY)) {
        }
        UART_DATA = source[i];
    }
}

const int32_t mcuq_port_counts = MCUQ_COUNTS_INSTRUCTIONS;

uint32_t mcuq_port_microseconds(void) {
    return (uint32_t)(time_now() / TICKS_PER_MICROSECOND);
}

mcuq_port_memory_info mcuq_port_memory(void) {
    const mcuq_port_memory_info info = {0, mcuq_stack_used()};
    return info;
}

void mcuq_print_error(const char *text) {
    mcuq_semihost(SEMIHOST_WRITE0, text);
}

void mcuq_exit(int32_t status) {
    const uint32_t block[2] = {APPLICATION_EXIT, (uint32_t)status};
    while (!(UART_LINE_STATUS & ALL_SENT)) {
    }
    mcuq_semihost(SEMIHOST_EXIT_EXTENDED, block);
    for (;;) {
    }
}
