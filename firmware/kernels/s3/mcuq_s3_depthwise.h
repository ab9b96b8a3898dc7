/* Depthwise outputs of windows that lie in scratch. Assembly on an ESP32-S3, C elsewhere. */
#ifndef MCUQ_S3_DEPTHWISE_H
#define MCUQ_S3_DEPTHWISE_H

#include "mcuq_s3_window.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Lanes of a group are 16 bytes beside each other in the input as in the output; long sums are cut at their end. */
void mcuq_s3_depthwise_short(const mcuq_s3_window *window);
void mcuq_s3_depthwise_long(const mcuq_s3_window *window);

#ifdef __cplusplus
}
#endif

#endif
