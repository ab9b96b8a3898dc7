/* Requantizes what comes over the serial line: a count, then records; these go back with their results. */
#include <stdint.h>

#include "mcuq_emulator.h"
#include "mcuq_port.h"

enum { MOST = 1 << 16 };

typedef struct {
    int32_t word; /* -accumulator * 256 + exponent + 6 */
    int32_t multiplier;
    int32_t zero_point;
    int32_t min;
    int32_t max;
    int32_t high; /* floor(accumulator * multiplier / 2^24) */
    int32_t outputs[3];
} record;

void mac16_requantize(record *records, int32_t count);

static record records[MOST];

static void receive(void *data, int32_t bytes) {
    for (int32_t got = 0; got < bytes;) {
        const int32_t count = mcuq_port_read((uint8_t *)data + got, bytes - got);
        if (count < 0) {
            mcuq_exit(1);
        }
        got += count;
    }
}

int main(void) {
    int32_t count;
    receive(&count, (int32_t)sizeof count);
    receive(records, count * (int32_t)sizeof(record));
    mac16_requantize(records, count);
    mcuq_port_write(records, count * (int32_t)sizeof(record));
    return 0;
}
