/* Models that share an arena, one with a state, get in each other's way; writes the outputs that must be equal. */
#include <stddef.h>
#include <string.h>

#include "mcuq_port.h"
#include "plain.h"
#include "remembering.h"
#include "small.h"

static const int8_t input[SAMPLES * REMEMBERING_INPUT_SIZE] = {INPUT};
static const int8_t image[PLAIN_INPUT_SIZE] = {IMAGE};
static const int8_t few[SMALL_INPUT_SIZE] = {FEW};
static MCUQ_ALIGNED(16) int8_t arena[REMEMBERING_ARENA_BYTES];
static remembering_state_t first, second;
static int32_t wrong; /* the line of the first status that was not as it must be */

#ifdef MCUQ_TRACE /* all that runs on an emulated chip is compiled with it */
void mcuq_after_step(int32_t index, const void *output, int32_t bytes) {
    (void)index, (void)output, (void)bytes;
}
#endif

#define EXPECT(wanted, call)                                                                                           \
    do {                                                                                                               \
        if ((call) != (wanted) && wrong == 0) {                                                                        \
            wrong = __LINE__;                                                                                          \
        }                                                                                                              \
    } while (0)

enum { HALF = REMEMBERING_ROWS / 2 };

static const int8_t *row(int32_t sample, int32_t at) {
    return input + (sample * REMEMBERING_ROWS + at) * REMEMBERING_ROW_BYTES;
}

static void finish(void *where, remembering_state_t *kept) {
    int8_t output[REMEMBERING_OUTPUT_SIZE];
    EXPECT(MCUQ_OK, remembering_finish(where, kept, output));
    mcuq_port_write(output, REMEMBERING_OUTPUT_SIZE);
}

static void push(void *where, remembering_state_t *kept, int32_t sample, int32_t from, int32_t count) {
    EXPECT(MCUQ_OK, remembering_push_rows(where, kept, row(sample, from), count));
}

/* A run that nobody disturbs, in the arena of remembering_run(). */
static void whole(remembering_state_t *kept, int32_t sample) {
    remembering_begin(NULL, kept);
    for (int32_t at = 0; at < REMEMBERING_ROWS; at++) {
        EXPECT(MCUQ_ROWS_MISSING, remembering_finish(NULL, kept, NULL));
        push(NULL, kept, sample, at, 1);
    }
    finish(NULL, kept);
}

static void is_lost(remembering_state_t *kept) {
    int8_t output[REMEMBERING_OUTPUT_SIZE];
    EXPECT(MCUQ_NOT_BEGUN, remembering_push_rows(NULL, kept, row(0, HALF), 1));
    EXPECT(MCUQ_NOT_BEGUN, remembering_finish(NULL, kept, output));
}

static int32_t source(void *context, void *rows, int32_t count) {
    int32_t *const at = context;
    memcpy(rows, few + *at * SMALL_ROW_BYTES, (size_t)(count * SMALL_ROW_BYTES));
    *at += count;
    return MCUQ_OK;
}

/* What the others do with the arena while half of the rows have been pushed into it. */
static void disturb(int32_t how) {
    int8_t scores[SMALL_OUTPUT_SIZE], other[PLAIN_OUTPUT_SIZE];
    int32_t at = 0;
    memset(scores, 0, sizeof scores);
    switch (how) {
    case 0:
        plain_run(image, other);
        mcuq_port_write(other, PLAIN_OUTPUT_SIZE);
        return;
    case 1:
        small_begin(NULL);
        EXPECT(MCUQ_OK, small_push_rows(NULL, few, SMALL_ROWS));
        EXPECT(MCUQ_OK, small_finish(NULL, scores));
        break;
    case 2:
        EXPECT(MCUQ_OK, small_run_rows(NULL, source, &at, scores));
        break;
    default:
        small_run(few, scores);
        break;
    }
    mcuq_port_write(scores, SMALL_OUTPUT_SIZE);
}

int main(void) {
    remembering_reset(&first);
    remembering_reset(&second);
    EXPECT(MCUQ_NOT_BEGUN, remembering_push_rows(NULL, &first, row(0, 0), 1));
    whole(&first, 0);
    for (int32_t how = 0; how < 4; how++) {
        remembering_begin(NULL, &first);
        push(NULL, &first, 1, 0, HALF);
        disturb(how);
        is_lost(&first);
    }
    remembering_begin(NULL, &first);
    push(NULL, &first, 1, 0, HALF);
    small_begin(NULL); /* the smaller model's rows may not touch what the larger one knows of its run */
    is_lost(&first);
    remembering_begin(NULL, &first);
    EXPECT(MCUQ_NOT_BEGUN, small_push_rows(NULL, few, 1));
    push(NULL, &first, 1, 0, REMEMBERING_ROWS); /* what was given up half-way has left no trace in the state */
    finish(NULL, &first);

    remembering_begin(arena, &second); /* two sequences side by side, in two arenas */
    remembering_begin(NULL, &first);
    for (int32_t at = 0; at < REMEMBERING_ROWS; at++) {
        push(arena, &second, 0, at, 1);
        push(NULL, &first, 2, at, 1);
    }
    finish(NULL, &first);
    disturb(0);
    finish(arena, &second); /* which lies in nobody's way */
    whole(&second, 1);
    remembering_reset(&first);
    whole(&first, 0);
    for (int32_t sample = 0; sample < SAMPLES; sample++) {
        int8_t output[REMEMBERING_OUTPUT_SIZE];
        remembering_run(row(sample, 0), output);
        mcuq_port_write(output, REMEMBERING_OUTPUT_SIZE);
    }
    mcuq_port_write(&wrong, 4);
    return 0;
}
