/* What the application needs from a framework; one implementation each for Arduino, ESP-IDF and the host. */
#ifndef MCUQ_PORT_H
#define MCUQ_PORT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Write bytes to the serial port. */
void mcuq_port_write(const char *text, int32_t bytes);

/* Microseconds since some moment; wraps. */
uint32_t mcuq_port_microseconds(void);

#ifdef __cplusplus
}
#endif

#endif
