/* Which taps of a sliding window lie inside the image. */
#ifndef MCUQ_WINDOW_H
#define MCUQ_WINDOW_H

#include <stdint.h>

typedef struct {
    int32_t first; /* first tap inside */
    int32_t end;   /* one past the last tap inside */
} mcuq_span;

/* Taps t in 0..taps-1 with 0 <= origin + t * dilation < size. */
static inline mcuq_span mcuq_span_inside(int32_t origin, int32_t taps, int32_t dilation, int32_t size) {
    mcuq_span span = {0, taps};
    while (span.first < taps && origin + span.first * dilation < 0) {
        span.first++;
    }
    while (span.end > span.first && origin + (span.end - 1) * dilation >= size) {
        span.end--;
    }
    return span;
}

#endif
