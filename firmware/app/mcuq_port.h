/* What the application needs from a framework: six functions, one implementation each for Arduino, ESP-IDF, the
 * emulated chips and the host (of mcuq_port_arena: one for Arduino and ESP-IDF). */
#ifndef MCUQ_PORT_H
#define MCUQ_PORT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of RAM: what malloc could still give in all, and the most stack the task has used so far. 0: not known. */
typedef struct {
    uint32_t free_heap;
    uint32_t stack_used;
} mcuq_port_memory_info;

/* Read at most `bytes` bytes from the serial port; may wait up to 10 ms for the first.
 * Returns how many were read, 0 if none came, negative if none will ever come (the host's input has ended). */
int32_t mcuq_port_read(void *data, int32_t bytes);

/* Write all bytes to the serial port. */
void mcuq_port_write(const void *data, int32_t bytes);

/* Microseconds since some moment; wraps. */
uint32_t mcuq_port_microseconds(void);

/* CPU cycles (on an emulated chip: instructions) since some moment; wraps. */
uint32_t mcuq_port_cycles(void);

/* What these two can say of how long something takes. */
enum {
    MCUQ_COUNTS_NOTHING,     /* a computer, whose time tells nothing of a chip */
    MCUQ_COUNTS_CYCLES,      /* a board: its time, and its cycles */
    MCUQ_COUNTS_INSTRUCTIONS /* an emulated chip, which has no time of its own */
};
extern const int32_t mcuq_port_counts;

mcuq_port_memory_info mcuq_port_memory(void);

/* Memory for an arena, 16-aligned, to be kept: from PSRAM (external = 1) or internal memory (0). A later request for
 * more bytes replaces it. NULL: there is none. */
void *mcuq_port_arena(int32_t bytes, int32_t external);

#ifdef __cplusplus
}
#endif

#endif
