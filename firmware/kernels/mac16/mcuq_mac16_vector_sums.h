/* A part of a vector's product with a matrix, see mcuq_mac16_vector.h. Assembly on an ESP32, C elsewhere. */
#ifndef MCUQ_MAC16_VECTOR_SUMS_H
#define MCUQ_MAC16_VECTOR_SUMS_H

#include <stdint.h>

#include "mcuq_mac16_vector.h"

#ifdef __cplusplus
extern "C" {
#endif

/* words[channel], a bias with its right shift, gets addition + sum of a * weights[channel] added. */
void mcuq_mac16_vector_sums_run(const mcuq_mac16_vector *vector, int32_t *words);

#ifdef __cplusplus
}
#endif

#endif
