/* Rows of a camera to labels over serial. */
#ifndef CAMERA_H
#define CAMERA_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A camera: reads the next row of its frame, as its bytes come; returns 0, or anything else if none comes. */
typedef int32_t (*camera_read_row)(void *camera, uint8_t *row);

/* Push a frame row by row through the model; return the label, or a negative number if rows are missing. */
int32_t camera_label(camera_read_row read_row, void *camera);

/* Label the frames of frames.c, which stand for a sensor, and write a line for each to the serial port. */
void camera_run(void);

extern const int32_t frame_count;
extern const uint8_t frames[]; /* one behind the other */

#ifdef __cplusplus
}
#endif

#endif
