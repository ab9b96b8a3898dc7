/* Every way in which rows can come and go wrong; writes the outputs that must be equal, one after the other. */
#include <stddef.h>

#include "mcuq_port.h"
#include "net.h"

static const int8_t input[NET_INPUT_SIZE] = {INPUT};
static MCUQ_ALIGNED(16) int8_t arena[NET_ARENA_BYTES];
static int8_t row[NET_ROW_BYTES]; /* all that the caller holds of the input */
static int32_t wrong;             /* the line of the first status that was not as it must be */

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

static void finish(void) {
    int8_t output[NET_OUTPUT_SIZE];
    EXPECT(MCUQ_OK, net_finish(arena, output));
    mcuq_port_write(output, NET_OUTPUT_SIZE);
    EXPECT(MCUQ_NOT_BEGUN, net_finish(arena, output));
    EXPECT(MCUQ_NOT_BEGUN, net_push_rows(arena, input, 0));
}

/* Rows from `first` on, some at a time; the first of a call may be none. */
static void push(int32_t first, uint32_t seed, int32_t most) {
    for (int32_t at = first, count; at < NET_ROWS; at += count) {
        seed = seed * 1664525u + 1013904223u;
        count = (int32_t)(seed >> 24) % (most + 1);
        count = count < NET_ROWS - at ? count : NET_ROWS - at;
        EXPECT(MCUQ_WRONG_COUNT, net_push_rows(arena, input, NET_ROWS - at + 1));
        EXPECT(MCUQ_WRONG_COUNT, net_push_rows(arena, input, -1));
        EXPECT(MCUQ_ROWS_MISSING, net_finish(arena, row));
        EXPECT(MCUQ_OK, net_push_rows(arena, input + at * NET_ROW_BYTES, count));
    }
}

static int32_t row_by_row(void *context, void *rows, int32_t count) {
    int32_t *const at = context;
    for (int32_t i = 0; i < count * NET_ROW_BYTES; i++) {
        ((int8_t *)rows)[i] = input[*at * NET_ROW_BYTES + i];
    }
    *at += count;
    return *at > NET_ROWS ? -77 : MCUQ_OK;
}

static int32_t broken(void *context, void *rows, int32_t count) {
    int32_t *const left = context;
    (void)rows, (void)count;
    return --*left < 0 ? 5 : MCUQ_OK;
}

int main(void) {
    int8_t output[NET_OUTPUT_SIZE];
    EXPECT(MCUQ_NOT_BEGUN, net_push_rows(arena, input, 1)); /* an arena that was cleared */
    EXPECT(MCUQ_NOT_BEGUN, net_finish(arena, output));
    net_run_in(arena, input, output);
    mcuq_port_write(output, NET_OUTPUT_SIZE);
    net_run(input, output);
    mcuq_port_write(output, NET_OUTPUT_SIZE);
    for (uint32_t seed = 0; seed < 4; seed++) {
        net_begin(arena);
        push(0, seed, seed == 0 ? 1 : (int32_t)seed * 3);
        finish();
    }
    net_begin(arena);
    EXPECT(MCUQ_OK, net_push_rows(arena, input, NET_ROWS / 2));
    net_begin(arena); /* gives up what was under way */
    for (int32_t at = 0; at < NET_ROWS; at++) {
        for (int32_t i = 0; i < NET_ROW_BYTES; i++) {
            row[i] = input[at * NET_ROW_BYTES + i];
        }
        EXPECT(MCUQ_OK, net_push_rows(arena, row, 1));
    }
    finish();
    int32_t at = 0, left = 0;
    EXPECT(5, net_run_rows(arena, broken, &left, output));
    EXPECT(MCUQ_NOT_BEGUN, net_push_rows(arena, input, 1));
    EXPECT(MCUQ_OK, net_run_rows(arena, row_by_row, &at, output));
    EXPECT(MCUQ_NOT_BEGUN, net_finish(arena, row));
    mcuq_port_write(output, NET_OUTPUT_SIZE);
    net_begin(NULL); /* in the arena of net_run, beside one that is under way in another */
    net_begin(arena);
    EXPECT(MCUQ_OK, net_push_rows(NULL, input, NET_ROWS));
    push(0, 9, 5);
    EXPECT(MCUQ_OK, net_finish(NULL, output));
    mcuq_port_write(output, NET_OUTPUT_SIZE);
    finish();
    mcuq_port_write(&wrong, 4);
    return 0;
}
