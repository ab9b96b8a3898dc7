/* Depthwise outputs of windows that lie in scratch, with weights of few bits. Assembly on an ESP32-S3, C elsewhere. */
#ifndef MCUQ_S3_DEPTHWISE_PACKED_H
#define MCUQ_S3_DEPTHWISE_PACKED_H

#include "mcuq_s3_depthwise.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As with a byte per weight; weights are stored as mcuq_s3_packed.h says, every row of a window from a vector of its
 * own on. */
void mcuq_s3_depthwise_packed(const mcuq_s3_window *window);

#ifdef __cplusplus
}
#endif

#endif
