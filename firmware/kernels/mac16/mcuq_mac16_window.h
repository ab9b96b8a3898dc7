/* Depthwise channels of one window. Assembly on an ESP32, C elsewhere. */
#ifndef MCUQ_MAC16_WINDOW_H
#define MCUQ_MAC16_WINDOW_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The assembly knows the members by their place. */
typedef struct {
    const int16_t *weights;    /* (channels, taps), 256 times what they are, and two more; aligned to 4 */
    const int32_t *bias;       /* (channels), of the negated sum, and right shifts: mcuq_mac16_channel.h */
    const int32_t *multiplier; /* (channels) or (1) */
    int32_t per_channel;       /* 1: one multiplier per channel, 0: one for all */
    int32_t channels;
    int32_t taps;    /* an odd number has one more weight, of 0, without an input */
    const int8_t *x; /* first tap of the first channel; neighbouring channels are neighbouring bytes */
    int32_t step;    /* bytes in x from tap to tap */
    int8_t *output;  /* (channels) */
    int32_t zero_point;
} mcuq_mac16_window;

/* output[channel] = requantize(-(bias[channel] + sum of (127 - x) * weights[channel])), limited to int8. */
void mcuq_mac16_window_run(const mcuq_mac16_window *window);

#ifdef __cplusplus
}
#endif

#endif
