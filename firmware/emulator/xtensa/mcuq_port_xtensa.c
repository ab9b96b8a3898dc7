/* The port layer on QEMU's Xtensa `sim` machine: its `simcall` instruction reads and writes the emulator's own standard
 * input and output, which are the serial line. */
#include "mcuq_port.h"

#include "mcuq_emulator.h"

enum {
    CALL_EXIT = 1,
    CALL_READ = 3,
    CALL_WRITE = 4,
    CALL_SELECT_ONE = 29,

    INPUT = 0,
    OUTPUT = 1,
    ERROR_OUTPUT = 2,

    TRY_AGAIN = 11, /* errors, newlib's numbers */
    INTERRUPTED = 4,

    SELECT_READ = 1,
    WAIT_SECONDS = 1,

    PAGE_BYTES = 4096
};

static uint32_t waited; /* microseconds in which QEMU's clock stood still */

/* Returns the call's result; a negative one with the error. */
static int32_t simcall(int32_t number, int32_t first, const volatile void *second, int32_t third, int32_t *error) {
    register int32_t a2 __asm__("a2") = number;
    register int32_t a3 __asm__("a3") = first;
    register uintptr_t a4 __asm__("a4") = (uintptr_t)second;
    register int32_t a5 __asm__("a5") = third;
    __asm__ volatile("simcall" : "+r"(a2), "+r"(a3) : "r"(a4), "r"(a5) : "memory");
    *error = a3;
    return a2;
}

/* Wait for input, or its end, for at most a second; return whether something is there.
 *
 * QEMU (7.2, and 10 still) takes the timeout's microseconds for its seconds and forgets the seconds; {1, 1} is one
 * second either way. The 10 ms of the port layer cannot be had, and nobody waits for this chip to do something else. */
static int32_t wait_for_input(void) {
    static const uint32_t seconds_and_microseconds[2] = {WAIT_SECONDS, 1};
    register int32_t a2 __asm__("a2") = CALL_SELECT_ONE;
    register int32_t a3 __asm__("a3") = INPUT;
    register int32_t a4 __asm__("a4") = SELECT_READ;
    register uintptr_t a5 __asm__("a5") = (uintptr_t)seconds_and_microseconds;
    __asm__ volatile("simcall" : "+r"(a2), "+r"(a3) : "r"(a4), "r"(a5) : "memory");
    if (a2 == 0) {
        waited += WAIT_SECONDS * 1000000u;
    }
    return a2 > 0;
}

int32_t mcuq_port_read(void *data, int32_t bytes) {
    /* QEMU reads page by page: a request that crosses a page would wait for more when the first part is full. */
    const int32_t in_page = PAGE_BYTES - (int32_t)((uintptr_t)data % PAGE_BYTES);
    int32_t error;
    if (!wait_for_input()) {
        return 0;
    }
    const int32_t count = simcall(CALL_READ, INPUT, data, bytes < in_page ? bytes : in_page, &error);
    if (count < 0 && (error == TRY_AGAIN || error == INTERRUPTED)) {
        return 0;
    }
    return count > 0 ? count : -1; /* 0: the host has closed the line */
}

static void write_all(int32_t file, const void *data, int32_t bytes) {
    const uint8_t *const source = data;
    for (int32_t done = 0; done < bytes;) {
        int32_t error;
        const int32_t count = simcall(CALL_WRITE, file, source + done, bytes - done, &error);
        if (count >= 0) {
            done += count;
        } else if (error != TRY_AGAIN && error != INTERRUPTED) {
            mcuq_exit(1); /* nobody is listening any more */
        }
    }
}

void mcuq_port_write(const void *data, int32_t bytes) {
    write_all(OUTPUT, data, bytes);
}

/* Instructions since the first call. CCOUNT counts 100 ns of QEMU's clock, and with -icount shift=8 an instruction
 * takes 256 ns: n instructions are 2.56 n counts, give or take less than one, so that rounding n finds it exactly.
 * (With shift=0 a hundred instructions would share a count.) To be called before CCOUNT wraps: every 1.6 thousand
 * million instructions. */
uint32_t mcuq_port_cycles(void) {
    static uint32_t first;
    static uint32_t before;
    static uint32_t wrapped; /* instructions */
    uint32_t now;
    __asm__ volatile("rsr %0, 234" : "=r"(now)); /* CCOUNT */
    if (first == 0) {
        first = now;
    }
    const uint32_t counts = now - first;
    if (counts < before) {
        wrapped += 25u << (32 - 6);
    }
    before = counts;
    return wrapped + 25 * (counts >> 6) + ((25 * (counts & 63) + 32) >> 6); /* counts * 25 / 64, rounded */
}

const int32_t mcuq_port_counts = MCUQ_COUNTS_INSTRUCTIONS;

/* A thousand instructions, as on the other chip; and the time spent waiting. */
uint32_t mcuq_port_microseconds(void) {
    static uint32_t before;
    static uint32_t rest;
    static uint32_t microseconds;
    const uint32_t now = mcuq_port_cycles();
    rest += now - before;
    before = now;
    microseconds += rest / 1000;
    rest %= 1000;
    return microseconds + waited;
}

mcuq_port_memory_info mcuq_port_memory(void) {
    const mcuq_port_memory_info info = {0, mcuq_stack_used()};
    return info;
}

void mcuq_print_error(const char *text) {
    int32_t bytes = 0;
    while (text[bytes] != 0) {
        bytes++;
    }
    write_all(ERROR_OUTPUT, text, bytes);
}

void mcuq_exit(int32_t status) {
    int32_t error;
    for (;;) {
        simcall(CALL_EXIT, status, 0, 0, &error);
    }
}
