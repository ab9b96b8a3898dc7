/* Dot products of windows that lie in scratch, with weights of few bits. Assembly on an ESP32-S3, C elsewhere. */
#ifndef MCUQ_S3_PACKED_H
#define MCUQ_S3_PACKED_H

#include "mcuq_s3_window.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Records have 16 * bits bytes for every 8 taps: one byte of each filter holds as many of its weights as it can, the
 * first one in the lowest bits; those of 1 bit are 0 for -1, others 2^(bits - 1) more than the weight. There is no
 * rest. */
void mcuq_s3_packed_all(const mcuq_s3_window *window);

#ifdef __cplusplus
}
#endif

#endif
