/* Depthwise windows of a tile: some pixels with up to four neighbouring channels. Assembly on an ESP32, C elsewhere. */
#ifndef MCUQ_MAC16_DEPTHWISE_H
#define MCUQ_MAC16_DEPTHWISE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Four channels lie in two planes of words: channels 0 and 2 are the lower and the upper half of the first, 1 and 3 of
 * the second. A word of one row and column stands beside that of the next row, a column beside the next column. The
 * assembly knows the members by their place. */
typedef struct {
    const int8_t *weights;     /* (channels / 2, (taps + 1) / 2, tap, channel), two by two */
    const int32_t *bias;       /* (channels), of the negated sum, and right shifts: mcuq_mac16_channel.h */
    const int32_t *multiplier; /* (channels) or (1) */
    int32_t per_channel;       /* 1: one multiplier per channel, 0: one for all */
    int32_t channels;          /* 1..4 */
    int32_t filter_h;
    int32_t filter_w;
    int16_t *x;      /* 127 - input, first plane; aligned to 4 */
    int32_t plane;   /* bytes from the first plane to the second; a multiple of 4 */
    int16_t *filter; /* (taps, even) of workspace, behind x; aligned to 4 */
    int32_t column;  /* bytes in x from column to column; filter_h words or more, only those with 3x3 */
    int32_t step;    /* bytes in x from pixel to pixel; a multiple of 4 */
    int32_t pixels;  /* in a row */
    int32_t row;     /* bytes in x from row to row; a multiple of 4 */
    int32_t rows;
    int8_t *output;
    int32_t output_step; /* bytes from pixel to pixel, also from the last one of a row to the next row */
    int32_t zero_point;  /* of the output */
    int32_t min;
    int32_t max;
} mcuq_mac16_depthwise;

/* output[pixel][channel] = requantize(-(bias[channel] + sum of x[channel] * weights[channel])); then weights, bias,
 * multiplier and output are those of the channels that follow. */
void mcuq_mac16_depthwise_tile(mcuq_mac16_depthwise *tile);

#ifdef __cplusplus
}
#endif

#endif
