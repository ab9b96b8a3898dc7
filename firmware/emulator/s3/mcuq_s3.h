/* The ESP32-S3's vector unit on a core that lacks it: every ee.* word raises an exception, whose handler does here what
 * the word says. Nothing of the handler is counted (mcuq_port_xtensa.c); mcuq_carried_out counts the words. */
#ifndef MCUQ_S3_H
#define MCUQ_S3_H

#include <stdint.h>

#include "mcuq_s3_words.h"

typedef union {
    int8_t s8[16]; /* lane 0 at the lowest address */
    uint8_t u8[16];
    int16_t s16[8];
    int32_t s32[4];
} mcuq_s3_vector;

typedef struct {
    mcuq_s3_vector q[8];
    int32_t qacc[16]; /* lanes of 20 bits, sign extended; a lane of 40 bits is two of them, the lower half first */
    int64_t accx;     /* 40 bits, sign extended */
    uint32_t sar_byte;
} mcuq_s3_unit;

#define MCUQ_S3_NAME(name, text, unit, bits) MCUQ_S3_##name,
enum { MCUQ_S3_WORDS(MCUQ_S3_NAME) MCUQ_S3_COUNT };
#undef MCUQ_S3_NAME

/* A word taken apart: its operands by their letters in mcuq_s3_words.h. */
typedef struct {
    uint32_t word;
    int32_t name;  /* MCUQ_S3_... */
    int32_t bytes; /* 3 or 4 */
    int32_t u, z, v, x, y, s, t, a, d, i, n;
} mcuq_s3_decoded;

extern mcuq_s3_unit mcuq_s3;
extern uint32_t mcuq_s3_registers[17]; /* a0 to a15 and SAR, while the handler runs */

/* Called by mcuq_s3_vector.S. Returns where to go on, or 0: no word of the unit's stands there. */
uint32_t mcuq_s3_step(uint32_t pc);

/* Take a word apart; NULL: none of the unit's. What is returned holds until the next call. */
const mcuq_s3_decoded *mcuq_s3_decode(uint32_t word);

/* Each carries out its kind of word and returns 1, or 0: another kind's. */
int32_t mcuq_s3_memory(const mcuq_s3_decoded *word);
int32_t mcuq_s3_sums(const mcuq_s3_decoded *word);
int32_t mcuq_s3_accumulators(const mcuq_s3_decoded *word);
int32_t mcuq_s3_lanes(const mcuq_s3_decoded *word);

/* 16 bytes at an address whose lower 4 bits are dropped, as the unit does it. */
mcuq_s3_vector mcuq_s3_load(uint32_t address);
void mcuq_s3_store(uint32_t address, const mcuq_s3_vector *value);

/* 16 of the 32 bytes of a pair, from SAR_BYTE on. */
mcuq_s3_vector mcuq_s3_funnel(int32_t s, int32_t t);

/* A lane of 40 bits, 0 to 7. */
int64_t mcuq_s3_wide(int32_t lane);
void mcuq_s3_set_wide(int32_t lane, int64_t value);

static inline int32_t mcuq_s3_clamped(int32_t value, int32_t bits) {
    const int32_t top = (int32_t)((1u << (bits - 1)) - 1u);
    return value > top ? top : value < -top - 1 ? -top - 1 : value;
}

#endif
