/* Rows of an input that come from outside: where they go, and what is computed as soon as they are there.
 *
 * A model is cut into stages. Each but the first begins when the rows have come that the one before it asks for; these
 * go straight to where the kernels of the stage read them. How far a run has come lies in the model's arena. */
#ifndef MCUQ_PUSH_H
#define MCUQ_PUSH_H

#include <stdint.h>
#include <string.h>

#include "mcuq.h"

typedef struct {
    uint32_t mark;   /* the model's while a run of it is under way */
    int32_t stage;   /* the next one */
    int32_t wanted;  /* rows that are still missing before it; 0: no stage is left */
    int32_t to;      /* where the first of them goes, in bytes from the arena's start */
    int32_t missing; /* rows of the input that have not come */
} mcuq_push;

typedef struct {
    uint32_t mark; /* not 0, as static memory is */
    int32_t place; /* of the mcuq_push, in bytes from the arena's start */
    int32_t rows;
    int32_t row_bytes;
    void (*go_on)(int8_t *arena, int8_t *state, mcuq_push *push); /* does the next stage */
} mcuq_pushed;

/* The end of a stage. */
static inline void mcuq_push_wait(mcuq_push *push, int32_t rows, int32_t to) {
    push->wanted = rows;
    push->to = to;
}

static inline void mcuq_push_begin(const mcuq_pushed *model, int8_t *arena, int8_t *state) {
    mcuq_push push = {model->mark, 0, 0, 0, model->rows};
    model->go_on(arena, state, &push);
    memcpy(arena + model->place, &push, sizeof push);
}

/* Read how far a run is; return MCUQ_NOT_BEGUN if none is under way in this arena. */
static inline int32_t mcuq_push_state(const mcuq_pushed *model, const int8_t *arena, mcuq_push *push) {
    memcpy(push, arena + model->place, sizeof *push);
    return push->mark == model->mark ? MCUQ_OK : MCUQ_NOT_BEGUN;
}

/* Rows that no layer reads, at the image's lower border, are counted alone. */
static inline int32_t mcuq_push_rows(const mcuq_pushed *model, int8_t *arena, int8_t *state, const void *rows,
                                     int32_t count) {
    mcuq_push push;
    if (mcuq_push_state(model, arena, &push) != MCUQ_OK) {
        return MCUQ_NOT_BEGUN;
    }
    if (count < 0 || count > push.missing) {
        return MCUQ_WRONG_COUNT;
    }
    const int8_t *from = rows;
    push.missing -= count;
    while (count > 0 && push.wanted > 0) {
        const int32_t now = count < push.wanted ? count : push.wanted;
        memcpy(arena + push.to, from, (size_t)(now * model->row_bytes));
        from += now * model->row_bytes;
        push.to += now * model->row_bytes;
        push.wanted -= now;
        count -= now;
        if (push.wanted == 0) {
            model->go_on(arena, state, &push);
        }
    }
    memcpy(arena + model->place, &push, sizeof push);
    return MCUQ_OK;
}

/* Return MCUQ_OK, after which the outputs lie in the arena, or the first other status of the source. */
static inline int32_t mcuq_pull_rows(const mcuq_pushed *model, int8_t *arena, int8_t *state, mcuq_row_source source,
                                     void *context) {
    mcuq_push push = {0, 0, 0, 0, model->rows};
    memset(arena + model->place, 0, sizeof push); /* nothing can be pushed into what is pulled */
    model->go_on(arena, state, &push);
    while (push.wanted > 0) {
        const int32_t status = source(context, arena + push.to, push.wanted);
        if (status != MCUQ_OK) {
            return status;
        }
        push.wanted = 0;
        model->go_on(arena, state, &push);
    }
    return MCUQ_OK;
}

/* Return MCUQ_OK, after which the outputs lie in the arena and no run is under way; else it still is. */
static inline int32_t mcuq_push_finish(const mcuq_pushed *model, int8_t *arena) {
    mcuq_push push;
    if (mcuq_push_state(model, arena, &push) != MCUQ_OK) {
        return MCUQ_NOT_BEGUN;
    }
    if (push.missing > 0) {
        return MCUQ_ROWS_MISSING;
    }
    memset(arena + model->place, 0, sizeof push);
    return MCUQ_OK;
}

#endif
