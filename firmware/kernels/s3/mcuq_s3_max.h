/* Largest values of windows that lie in scratch. Assembly on an ESP32-S3, C elsewhere. */
#ifndef MCUQ_S3_MAX_H
#define MCUQ_S3_MAX_H

#include "mcuq_s3_window.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Lanes of a group are 16 bytes beside each other in the input as in the output; limits as in the scratch. There are no
 * records. */
void mcuq_s3_max_all(const mcuq_s3_window *window);

#ifdef __cplusplus
}
#endif

#endif
