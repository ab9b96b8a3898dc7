/* The device application: runs a model on its embedded vectors and says over serial what came out. */
#ifndef MCUQ_APP_H
#define MCUQ_APP_H

#include "mcuq.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Run every embedded vector once, compare all output bytes, print one line per vector and a summary.
 *
 * Returns the number of vectors whose output differs. */
int32_t mcuq_self_test(const mcuq_model *model);

#ifdef __cplusplus
}
#endif

#endif
