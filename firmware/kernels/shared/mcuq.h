/* mcuq kernel library: version, placement, and what a generated model looks like from outside.
 *
 * Override a macro on the compiler's command line to place constants, the arena or kernels elsewhere. */
#ifndef MCUQ_H
#define MCUQ_H

#include <stdint.h>

/* Generated code refuses a library of another version. */
#define MCUQ_VERSION      100
#define MCUQ_VERSION_TEXT "0.1.0"

/* What generated code, this library and `mcuq verify` expect of each other; another number is built again. */
#define MCUQ_FORMAT 2

/* Attribute of constant tables; empty: .rodata, which the ESP32 family maps from flash. */
#ifndef MCUQ_CONST
#define MCUQ_CONST
#endif

/* Attribute of the static arena; empty: .bss. */
#ifndef MCUQ_ARENA
#define MCUQ_ARENA
#endif

#define MCUQ_ALIGNED(bytes) __attribute__((aligned(bytes)))

/* A conversion in a header, which C++ includes too, where compilers may warn of casts in C's style. */
#ifdef __cplusplus
#define MCUQ_CAST(type, value) static_cast<type>(value)
#else
#define MCUQ_CAST(type, value) ((type)(value))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Called after every step with its index, its output and the output's bytes. With MCUQ_TRACE defined the application
 * hears of every step, so that `mcuq verify` can name the first wrong layer; else the hook is empty. */
#ifdef MCUQ_TRACE
void mcuq_after_step(int32_t index, const void *output, int32_t bytes);
#define MCUQ_AFTER_STEP(index, output, bytes) mcuq_after_step(index, output, bytes)
#else
#define MCUQ_AFTER_STEP(index, output, bytes) ((void)0)
#endif

/* Where a generated model's arena lies. MCUQ_ARENA_STATIC: in its library, which then has a `_run`; else in memory that
 * whoever calls its `_run_in` allocates. */
enum { MCUQ_ARENA_STATIC, MCUQ_ARENA_HEAP, MCUQ_ARENA_PSRAM };

/* What functions return that take a model's input in rows. The sources of rows have other values for their own errors,
 * best positive ones. */
enum {
    MCUQ_OK = 0,
    MCUQ_NOT_BEGUN = -1,   /* no run is under way in this arena: it was not begun, has ended, or the arena was used */
    MCUQ_WRONG_COUNT = -2, /* more rows than are missing, or a negative number of them: none was taken */
    MCUQ_ROWS_MISSING = -3 /* rows of the input have not come yet */
};

/* Fills `count` rows of a model's input; returns MCUQ_OK, or what ends the run. */
typedef int32_t (*mcuq_row_source)(void *context, void *rows, int32_t count);

/* A generated model, for code that serves any of them (the application in lib/mcuq). */
typedef struct {
    const char *name;
    const char *hash;      /* SHA-256 of the quantized model, hexadecimal */
    const char *signature; /* names, types and shapes of inputs and outputs */
    int32_t steps;
    int32_t arena_bytes;
    int32_t arena_place; /* MCUQ_ARENA_... */
    int32_t input_count;
    int32_t output_count;
    const int32_t *input_bytes;        /* (input_count) */
    const int32_t *output_bytes;       /* (output_count) */
    void *const *inputs;               /* (input_count), RAM for the application's use; NULL: at their place */
    void *const *outputs;              /* (output_count), the same */
    int32_t vector_count;              /* self-test vectors */
    const void *const *vector_inputs;  /* (vector_count, input_count) */
    const void *const *vector_outputs; /* (vector_count, output_count), expected bytes */
    void (*run)(void *arena, const void *const *inputs, void *const *outputs); /* arena: NULL if it is static */
    void *(*place)(void *arena, int32_t index); /* of inputs, then outputs, inside the arena; NULL: they lie outside */
    void (*reset)(void); /* lets a sequence begin: the vectors are one. NULL: the model remembers nothing */
} mcuq_model;

#ifdef __cplusplus
}
#endif

#endif
