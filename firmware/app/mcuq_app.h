/* The device application: a self-test at start, then requests over serial (mcuq_frame.h).
 *
 *     static const mcuq_model *const models[] = {&my_model};
 *     mcuq_app_start(models, 1);
 *     for (;;) {
 *         mcuq_app_poll();
 *     }
 */
#ifndef MCUQ_APP_H
#define MCUQ_APP_H

#include "mcuq.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Run the self-test of every model, then announce that requests are served. The array must stay. */
void mcuq_app_start(const mcuq_model *const *models, int32_t count);

/* Serve what has arrived; returns soon when nothing has. Negative: the serial line is closed for good (host only). */
int32_t mcuq_app_poll(void);

/* Run every embedded vector once, compare all output bytes, print one line per vector and a summary.
 * Returns the number of vectors whose output differs. */
int32_t mcuq_self_test(const mcuq_model *model);

/* Whether there is memory for a model's arena. One that is not static is allocated here, one for all models. */
int32_t mcuq_can_run(const mcuq_model *model);

/* Where a model that can run takes inputs and leaves outputs; a run may overwrite its inputs. */
void *mcuq_model_input(const mcuq_model *model, int32_t index);
void *mcuq_model_output(const mcuq_model *model, int32_t index);

/* Run a model that can run on inputs of the caller's, or on what lies at its inputs (NULL), into its outputs. */
void mcuq_run_model(const mcuq_model *model, const void *const *inputs);

#ifdef __cplusplus
}
#endif

#endif
