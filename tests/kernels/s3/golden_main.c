/* Carries out the instructions of golden.S, each from a state that comes over the serial line, and sends the state
 * behind it. */
#include <string.h>

#include "mcuq_port.h"
#include "mcuq_s3.h"

enum { REGISTERS = 10, MEMORY = 64 };

typedef struct {
    mcuq_s3_vector q[8];
    int32_t qacc[16];
    int64_t accx;
    uint32_t sar_byte;
    uint32_t registers[REGISTERS]; /* a3 to a12 */
    uint32_t sar;
    int32_t address; /* the register that holds an offset into the memory, or -1 */
    uint8_t memory[MEMORY];
} state;

extern void (*const golden_fragments[])(void);
extern const int32_t golden_count;
void golden_run(void (*fragment)(void), uint32_t *registers_and_sar);

static uint8_t memory[3 * 4096] __attribute__((aligned(16)));

static int32_t receive(void *data, int32_t bytes) {
    uint8_t *const to = data;
    for (int32_t got = 0; got < bytes;) {
        const int32_t count = mcuq_port_read(to + got, bytes - got);
        if (count < 0) {
            return 0;
        }
        got += count;
    }
    return 1;
}

int main(void) {
    static state now;
    uint8_t *const place = memory + 4096;
    for (int32_t i = 0; i < golden_count; i++) {
        if (!receive(&now, sizeof now)) {
            return 1;
        }
        memcpy(mcuq_s3.q, now.q, sizeof now.q);
        memcpy(mcuq_s3.qacc, now.qacc, sizeof now.qacc);
        mcuq_s3.accx = now.accx;
        mcuq_s3.sar_byte = now.sar_byte;
        memcpy(place, now.memory, MEMORY);
        if (now.address >= 0) {
            now.registers[now.address] += (uint32_t)(uintptr_t)place;
        }
        golden_run(golden_fragments[i], now.registers);
        if (now.address >= 0) {
            now.registers[now.address] -= (uint32_t)(uintptr_t)place;
        }
        memcpy(now.q, mcuq_s3.q, sizeof now.q);
        memcpy(now.qacc, mcuq_s3.qacc, sizeof now.qacc);
        now.accx = mcuq_s3.accx;
        now.sar_byte = mcuq_s3.sar_byte;
        memcpy(now.memory, place, MEMORY);
        mcuq_port_write(&now, sizeof now);
    }
    return 0;
}
