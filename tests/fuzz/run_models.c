/* Run one of many generated models on samples from standard input: arena and borders have exactly their size, borders
 * lie at odd addresses, so that the address sanitizer sees every byte beyond. malloc aligns to 16, as arenas need. */
#include <stdio.h>
#include <stdlib.h>

#include "mcuq_models.h"

enum { MOST = 64 };

static const mcuq_model *const models[] = {MCUQ_MODELS};

static void *odd(int32_t bytes) {
    return (char *)malloc((size_t)bytes + 1) + 1;
}

/* Read a sample into the inputs; return whether there was one. */
static int32_t read_sample(const mcuq_model *model, void *const *inputs) {
    for (int32_t i = 0; i < model->input_count; i++) {
        if (fread(inputs[i], 1, (size_t)model->input_bytes[i], stdin) != (size_t)model->input_bytes[i]) {
            return 0;
        }
    }
    return 1;
}

int main(int count, char **arguments) {
    const mcuq_model *const model = count > 1 ? models[atoi(arguments[1])] : NULL;
    if (model == NULL || model->input_count > MOST || model->output_count > MOST) {
        return 2;
    }
    void *inputs[MOST];
    void *outputs[MOST];
    for (int32_t i = 0; i < model->input_count; i++) {
        inputs[i] = odd(model->input_bytes[i]);
    }
    for (int32_t i = 0; i < model->output_count; i++) {
        outputs[i] = odd(model->output_bytes[i]);
    }
    void *const arena = malloc((size_t)model->arena_bytes);
    if (model->reset != NULL) {
        model->reset();
    }
    while (read_sample(model, inputs)) {
        model->run(arena, (const void *const *)inputs, outputs);
        for (int32_t i = 0; i < model->output_count; i++) {
            fwrite(outputs[i], 1, (size_t)model->output_bytes[i], stdout);
        }
    }
    return 0;
}
