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

uint32_t mcuq_carried_out;

/* Instructions since the first call, exactly: ICOUNT counts each that ends outside exception handlers (start.S), in
 * which words are carried out that count as one instruction each. Set back at every call, for a count that comes to its
 * end raises the debug exception: a call every 4 thousand million instructions is needed. */
uint32_t mcuq_port_cycles(void) {
    static uint32_t total;
    uint32_t count;
    __asm__ volatile("rsr %0, 236\n" /* ICOUNT */
                     "movi a2, 0\n"
                     "wsr a2, 236\n"
                     "isync"
                     : "=r"(count)
                     :
                     : "a2");
    total += count + 3 + mcuq_carried_out;
    mcuq_carried_out = 0;
    return total;
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

int32_t mcuq_ldinc_mula(const int32_t *word); /* start.S */

/* Called before main: whether this emulator's MAC16 reads what was just loaded. See mcuq/engines/emulator.py. */
void mcuq_check_core(void);
void mcuq_check_core(void) {
    static const int32_t word = 3;
    if (mcuq_ldinc_mula(&word) != 15) {
        mcuq_print_error("mcuq: this emulator's mula does not see what ldinc loads; run it with -singlestep "
                         "(from QEMU 8.1 on: -accel tcg,one-insn-per-tb=on)\n");
        mcuq_exit(1);
    }
}
