/* A camera's frame as a model's input, int8 or uint8. Meaning: mcuq/ops/pixels.py. */
#ifndef MCUQ_PIXELS_S8_H
#define MCUQ_PIXELS_S8_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the bytes of a pixel are. */
enum {
    MCUQ_PIXELS_GRAY8,
    MCUQ_PIXELS_RGB888,
    MCUQ_PIXELS_BGR888,
    MCUQ_PIXELS_RGB565, /* the upper byte first */
    MCUQ_PIXELS_YUV422  /* Y U Y V: two pixels */
};

typedef struct {
    int32_t input_h;
    int32_t input_w;
    int32_t output_h;
    int32_t output_w;
    int32_t channels; /* 1 or 3 */
    int32_t format;   /* MCUQ_PIXELS_... */
    int32_t row_step;
    int32_t row_offset;
    int32_t row_divisor;
    int32_t column_step;
    int32_t column_offset;
    int32_t column_divisor;
    const int8_t *table; /* (channels, 256), of the output's bytes */
} mcuq_pixels_s8_params;

/* input (input_h, input_w, bytes of a pixel), output (output_h, output_w, channels); scratch unused. Row i is row
 * (i * row_step + row_offset) / row_divisor of the input, and so for columns. */
void mcuq_pixels_s8(const mcuq_pixels_s8_params *params, const int8_t *input, int8_t *output, void *scratch);

#ifdef __cplusplus
}
#endif

#endif
