/* Counts the instructions of inferences, and those between the steps where the model calls a hook after each.
 *
 * bench_model.h is written by bench_chip.py: the samples, and bench_run, one inference of whichever model it is.
 * Written per sample: the number of marks, the marks, the output. The first two marks have nothing between them but the
 * call that makes them; the third follows the first step, or the whole inference where there is no hook. */
#include "mcuq_port.h"

#include "bench_model.h"

enum { MOST_MARKS = 4096 };

static uint32_t marks[MOST_MARKS];
static uint32_t marked;

void bench_mark(void);
void mcuq_after_step(int32_t index, const void *output, int32_t bytes);

void bench_mark(void) {
    if (marked < MOST_MARKS) {
        marks[marked++] = mcuq_port_cycles();
    }
}

void mcuq_after_step(int32_t index, const void *output, int32_t bytes) {
    (void)index;
    (void)output;
    (void)bytes;
    bench_mark();
}

int main(void) {
    static int8_t output[BENCH_OUTPUT_BYTES] __attribute__((aligned(16)));
    for (int32_t i = 0; i < BENCH_SAMPLES; i++) {
        marked = 0;
        bench_mark();
        bench_mark();
        bench_run(bench_inputs[i], output);
        bench_mark();
        mcuq_port_write(&marked, (int32_t)sizeof marked);
        mcuq_port_write(marks, (int32_t)(marked * sizeof marks[0]));
        mcuq_port_write(output, (int32_t)sizeof output);
    }
    return 0;
}
