/* Activations to what the MAC16 cores multiply: 127 - x as int16. Assembly on an ESP32, C elsewhere. */
#ifndef MCUQ_MAC16_WIDEN_H
#define MCUQ_MAC16_WIDEN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { MCUQ_MAC16_TOP = 127 };

/* `columns` times `count` values in their order, each at least one; `from_skip` and `to_skip` bytes between columns. */
void mcuq_mac16_widen(const int8_t *from, int32_t count, int32_t columns, int16_t *to, int32_t from_skip,
                      int32_t to_skip);

/* The same for `fours` times four values, of which the second and third are exchanged; `to` and `to_skip` are multiples
 * of 4. It is fast where `from` and `from_skip` are, too. */
void mcuq_mac16_widen_fours(const int8_t *from, int32_t fours, int32_t columns, int16_t *to, int32_t from_skip,
                            int32_t to_skip);

/* Rows of pixels that become words, two channels in each; all in bytes. */
typedef struct {
    int32_t pixels;    /* in a row, at least one */
    int32_t rows;      /* at least one */
    int32_t from_step; /* from pixel to pixel */
    int32_t from_row;  /* from row to row */
    int32_t to_step;   /* from pixel to pixel, a multiple of 4; from row to row it is 4 */
    int32_t plane;     /* from channels 0 and 2 to channels 1 and 3, a multiple of 4 */
} mcuq_mac16_planes;

/* Four channels: words of channels 0 (lower half) and 2, in the second plane of 1 and 3. */
void mcuq_mac16_widen_planes(const mcuq_mac16_planes *planes, const int8_t *from, int16_t *to);

#ifdef __cplusplus
}
#endif

#endif
