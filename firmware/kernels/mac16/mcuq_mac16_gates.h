/* A vector times a matrix, added to gates of 16 bits. Assembly on an ESP32, C elsewhere. */
#ifndef MCUQ_MAC16_GATES_H
#define MCUQ_MAC16_GATES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Weights and x are those of mcuq_mac16_vector.h. The assembly knows the members by their place. */
typedef struct {
    const uint8_t *weights; /* (channels, taps); aligned to 4 */
    const int32_t *bias;    /* (channels), of the negated sum, 256 times, modulo 2^32 */
    const int32_t *scale;   /* (channels / sharing, 2): multiplier, and what rounds plus right shift + 7 */
    int32_t sharing;        /* channels that have one scale, one after the other */
    int32_t channels;
    int32_t taps;     /* a multiple of 4 */
    int16_t *x;       /* (taps); aligned to 4 */
    int32_t addition; /* to every bias */
    int16_t *gates;   /* (channels) */
} mcuq_mac16_gates;

/* gates[channel] += requantize(-(bias[channel] / 256 + addition + sum of a * weights[channel])); both saturate. */
void mcuq_mac16_gates_run(const mcuq_mac16_gates *gates);

#ifdef __cplusplus
}
#endif

#endif
