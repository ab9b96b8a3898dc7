/* A vector times a matrix whose weights are used once. Assembly on an ESP32, C elsewhere. */
#ifndef MCUQ_MAC16_VECTOR_H
#define MCUQ_MAC16_VECTOR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of taps k in fours, with a[k] = -128 - input[k] for k = 1, 3 and -1 - input[k] for k = 0, 2:
 *
 *   x = a[1], a[3], 256 * a[0] - a[1], 256 * a[2] - a[3]
 *
 * Weights of taps 0 and 2 are unsigned bytes, 128 more than they are; 1 and 3 are int8. The assembly knows the members
 * by their place. */
typedef struct {
    const uint8_t *weights;    /* (channels, taps); aligned to 4 */
    const int32_t *bias;       /* (channels), of the negated sum, and right shifts: mcuq_mac16_channel.h */
    const int32_t *multiplier; /* (channels) or (1) */
    int32_t per_channel;       /* 1: one multiplier and right shift per channel, 0: one for all */
    int32_t channels;
    int32_t taps;     /* a multiple of 4 */
    int16_t *x;       /* (taps), as above; aligned to 4 */
    int32_t addition; /* to every bias */
    int8_t *output;
    int32_t zero_point; /* of the output */
    int32_t min;
    int32_t max;
} mcuq_mac16_vector;

/* output[channel] = requantize(-(bias[channel] + addition + sum of a * weights[channel])) */
void mcuq_mac16_vector_run(const mcuq_mac16_vector *vector);

#ifdef __cplusplus
}
#endif

#endif
