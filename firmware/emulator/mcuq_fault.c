#include "mcuq_emulator.h"

enum { FAULT_STATUS = 70 }; /* EX_SOFTWARE of sysexits.h: no status that a program here returns on purpose */

static void print_hexadecimal(const char *label, uint32_t value) {
    char text[11] = "0x";
    for (int32_t i = 0; i < 8; i++) {
        text[2 + i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15];
    }
    text[10] = 0;
    mcuq_print_error(label);
    mcuq_print_error(text);
}

void mcuq_fault(uint32_t cause, uint32_t pc, uint32_t address) {
    print_hexadecimal("mcuq: the emulated chip stopped: cause ", cause);
    print_hexadecimal(", pc ", pc);
    print_hexadecimal(", address ", address);
    mcuq_print_error("\n");
    mcuq_exit(FAULT_STATUS);
}
