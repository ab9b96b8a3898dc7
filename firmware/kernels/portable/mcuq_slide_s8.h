/* A window of rows that slides, 8-bit. Meaning: mcuq/ops/slide.py. */
#ifndef MCUQ_SLIDE_S8_H
#define MCUQ_SLIDE_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int32_t blocks;
    int32_t window_bytes; /* of a block */
    int32_t new_bytes;    /* of a block, at most window_bytes */
} mcuq_slide_s8_params;

/* input (blocks, new_bytes), window and output (blocks, window_bytes); output may be window. Scratch unused. */
void mcuq_slide_s8(const mcuq_slide_s8_params *params, const void *input, const void *window, void *output,
                   void *scratch);

#ifdef __cplusplus
}
#endif

#endif
