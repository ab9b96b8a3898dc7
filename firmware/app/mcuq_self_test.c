#include <stddef.h>
#include <string.h>

#include "mcuq_app.h"
#include "mcuq_port.h"

static void print(const char *text) {
    mcuq_port_write(text, (int32_t)strlen(text));
}

static void print_number(uint32_t value) {
    char digits[10];
    int32_t first = (int32_t)sizeof digits;
    do {
        digits[--first] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    mcuq_port_write(digits + first, (int32_t)sizeof digits - first);
}

/* Print where the first difference is; return 1 if there is one. */
static int32_t compare(const uint8_t *expected, const uint8_t *got, int32_t bytes) {
    for (int32_t i = 0; i < bytes; i++) {
        if (expected[i] != got[i]) {
            print(" differs at byte ");
            print_number((uint32_t)i);
            print(": expected ");
            print_number(expected[i]);
            print(", got ");
            print_number(got[i]);
            return 1;
        }
    }
    return 0;
}

/* Return the memory that a model is given as its arena; NULL: there is none. */
static void *arena_of(const mcuq_model *model) {
    static int8_t nothing; /* for a model that needs none, or has its own */
    if (model->arena_place == MCUQ_ARENA_STATIC || model->arena_bytes == 0) {
        return &nothing;
    }
    return mcuq_port_arena(model->arena_bytes, model->arena_place == MCUQ_ARENA_PSRAM);
}

int32_t mcuq_can_run(const mcuq_model *model) {
    return arena_of(model) != NULL;
}

void mcuq_run_model(const mcuq_model *model, const void *const *inputs) {
    model->run(arena_of(model), inputs != NULL ? inputs : (const void *const *)model->inputs, model->outputs);
}

void *mcuq_model_input(const mcuq_model *model, int32_t index) {
    return model->inputs != NULL ? model->inputs[index] : model->place(arena_of(model), index);
}

void *mcuq_model_output(const mcuq_model *model, int32_t index) {
    return model->outputs != NULL ? model->outputs[index] : model->place(arena_of(model), model->input_count + index);
}

/* What an inference takes is the difference of two of these: microseconds on a board, else instructions. */
static uint32_t now(void) {
    return mcuq_port_counts == MCUQ_COUNTS_CYCLES ? mcuq_port_microseconds() : mcuq_port_cycles();
}

static void print_taken(uint32_t taken) {
    if (mcuq_port_counts != MCUQ_COUNTS_NOTHING) {
        print(", ");
        print_number(taken);
        print(mcuq_port_counts == MCUQ_COUNTS_CYCLES ? " us" : " instructions");
    }
    print("\r\n");
}

/* Run one vector; return 1 if an output differs. */
static int32_t run_vector(const mcuq_model *model, int32_t vector) {
    print("mcuq: ");
    print(model->name);
    print(" vector ");
    print_number((uint32_t)vector);
    const uint32_t start = now();
    mcuq_run_model(model, model->vector_inputs + vector * model->input_count);
    const uint32_t taken = now() - start;
    int32_t different = 0;
    for (int32_t i = 0; i < model->output_count; i++) {
        const void *const expected = model->vector_outputs[vector * model->output_count + i];
        different |= compare(expected, mcuq_model_output(model, i), model->output_bytes[i]);
    }
    print(different ? "" : " equal");
    print_taken(taken);
    return different;
}

static void reset(const mcuq_model *model) {
    if (model->reset != NULL) {
        model->reset();
    }
}

int32_t mcuq_self_test(const mcuq_model *model) {
    int32_t different = 0;
    if (mcuq_can_run(model)) {
        reset(model);
        for (int32_t vector = 0; vector < model->vector_count; vector++) {
            different += run_vector(model, vector);
        }
        reset(model);
    } else {
        print("mcuq: no memory for the arena of ");
        print(model->name);
        print("\r\n");
        different = model->vector_count;
    }
    print(different ? "mcuq: FAIL " : "mcuq: PASS ");
    print(model->name);
    print(" ");
    print_number((uint32_t)(model->vector_count - different));
    print(" of ");
    print_number((uint32_t)model->vector_count);
    print(" vectors equal\r\n");
    return different;
}
