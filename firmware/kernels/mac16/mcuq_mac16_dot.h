/* Dot products of a tile: some pixels with all filters. Assembly on an ESP32, C elsewhere. */
#ifndef MCUQ_MAC16_DOT_H
#define MCUQ_MAC16_DOT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The assembly knows the members by their place. */
typedef struct {
    const int8_t *weights;     /* (channels, taps) */
    const int32_t *bias;       /* (channels), of the negated sum, and right shifts: mcuq_mac16_channel.h */
    const int32_t *multiplier; /* (channels) or (1) */
    int32_t per_channel;       /* 1: one multiplier per channel, 0: one for all */
    int32_t channels;
    int32_t taps;     /* a multiple of 4 */
    int16_t *x;       /* 127 - input, of every four taps the second and third exchanged; aligned to 4 */
    int16_t *filter;  /* (taps) of workspace, behind x; aligned to 4 */
    int32_t step;     /* bytes in x from pixel to pixel; a multiple of 4 */
    int32_t pixels;   /* in a row */
    int32_t row_step; /* bytes in x from row to row; a multiple of 4 */
    int32_t rows;
    int8_t *output;
    int32_t output_step; /* bytes from pixel to pixel, also from the last one of a row to the next row */
    int32_t zero_point;  /* of the output */
    int32_t min;
    int32_t max;
} mcuq_mac16_dot;

/* output[pixel][channel] = requantize(-(bias[channel] + sum of x * weights[channel])) */
void mcuq_mac16_dot_tile(const mcuq_mac16_dot *tile);

#ifdef __cplusplus
}
#endif

#endif
