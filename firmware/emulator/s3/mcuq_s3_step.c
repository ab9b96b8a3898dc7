#include "mcuq_s3.h"

#include "mcuq_emulator.h"

mcuq_s3_unit mcuq_s3;
uint32_t mcuq_s3_registers[17];

static uint32_t fetch(uint32_t pc) {
    const uint8_t *const bytes = (const uint8_t *)(uintptr_t)pc;
    uint32_t word = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16;
    if ((word & 14u) == 14u) {
        word |= (uint32_t)bytes[3] << 24;
    }
    return word;
}

/* Where execution goes on behind a word that ends at `pc`: the end of a zero-overhead loop leads back, which the core
 * sees to only behind instructions of its own. */
static uint32_t behind(uint32_t pc) {
    register uint32_t begin __asm__("a8");
    register uint32_t end __asm__("a9");
    register uint32_t count __asm__("a10");
    __asm__ volatile(".byte 0x80, 0, 3, 0x90, 1, 3, 0xa0, 2, 3" /* rsr a8, LBEG; a9, LEND; a10, LCOUNT */
                     : "=r"(begin), "=r"(end), "=r"(count));
    if (pc != end || count == 0) {
        return pc;
    }
    count--;
    __asm__ volatile(".byte 0xa0, 2, 0x13" : : "r"(count)); /* wsr a10, LCOUNT */
    return begin;
}

uint32_t mcuq_s3_step(uint32_t pc) {
    const mcuq_s3_decoded *const word = mcuq_s3_decode(fetch(pc));
    if (word == 0 ||
        !(mcuq_s3_sums(word) || mcuq_s3_memory(word) || mcuq_s3_accumulators(word) || mcuq_s3_lanes(word))) {
        return 0;
    }
    mcuq_carried_out++;
    return behind(pc + (uint32_t)word->bytes);
}
