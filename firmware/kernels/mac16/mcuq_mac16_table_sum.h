/* Sums of two operands by tables as they lie in flash: mcuq_mac16_sum.h. Assembly on an ESP32, C elsewhere. */
#ifndef MCUQ_MAC16_TABLE_SUM_H
#define MCUQ_MAC16_TABLE_SUM_H

#include "mcuq_mac16_sum.h"

#ifdef __cplusplus
extern "C" {
#endif

/* output[i] = requantize(share of a[i] + share of b[i]) of tables that hold no MCUQ_MAC16_SUM_OFFSET. */
void mcuq_mac16_table_sum_run(const mcuq_mac16_sum *sum);

#ifdef __cplusplus
}
#endif

#endif
