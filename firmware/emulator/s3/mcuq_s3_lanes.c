/* Lane by lane: sums, comparisons, shifts, and the orders of lanes. */
#include "mcuq_s3.h"

enum { SAR = 16 };

typedef int32_t lane_function(int32_t x, int32_t y);

static int32_t sum8(int32_t x, int32_t y) {
    return mcuq_s3_clamped(x + y, 8);
}
static int32_t sum16(int32_t x, int32_t y) {
    return mcuq_s3_clamped(x + y, 16);
}
static int32_t difference8(int32_t x, int32_t y) {
    return mcuq_s3_clamped(x - y, 8);
}
static int32_t difference16(int32_t x, int32_t y) {
    return mcuq_s3_clamped(x - y, 16);
}
static int32_t wide(int64_t value) {
    return value > INT32_MAX ? INT32_MAX : value < INT32_MIN ? INT32_MIN : (int32_t)value;
}
static int32_t sum32(int32_t x, int32_t y) {
    return wide((int64_t)x + y);
}
static int32_t difference32(int32_t x, int32_t y) {
    return wide((int64_t)x - y);
}
static int32_t smaller(int32_t x, int32_t y) {
    return x < y ? x : y;
}
static int32_t larger(int32_t x, int32_t y) {
    return x > y ? x : y;
}
static int32_t is_less(int32_t x, int32_t y) {
    return x < y ? -1 : 0;
}
static int32_t is_more(int32_t x, int32_t y) {
    return x > y ? -1 : 0;
}
static int32_t is_equal(int32_t x, int32_t y) {
    return x == y ? -1 : 0;
}
static int32_t both(int32_t x, int32_t y) {
    return x & y;
}
static int32_t either(int32_t x, int32_t y) {
    return x | y;
}
static int32_t one(int32_t x, int32_t y) {
    return x ^ y;
}
static int32_t product(int32_t x, int32_t y) {
    return (x * y) >> (mcuq_s3_registers[SAR] & 31u);
}

typedef struct {
    int32_t name;
    int32_t bits;
    lane_function *function;
} lane_word;

static const lane_word two_operands[] = {
    {MCUQ_S3_vadds_s8, 8, sum8},
    {MCUQ_S3_vadds_s16, 16, sum16},
    {MCUQ_S3_vadds_s32, 32, sum32},
    {MCUQ_S3_vadds_s8_ld_incp, 8, sum8},
    {MCUQ_S3_vsubs_s8, 8, difference8},
    {MCUQ_S3_vsubs_s16, 16, difference16},
    {MCUQ_S3_vsubs_s32, 32, difference32},
    {MCUQ_S3_vmin_s8, 8, smaller},
    {MCUQ_S3_vmin_s32, 32, smaller},
    {MCUQ_S3_vmax_s8, 8, larger},
    {MCUQ_S3_vmax_s32, 32, larger},
    {MCUQ_S3_vmax_s8_st_incp, 8, larger},
    {MCUQ_S3_vcmp_lt_s8, 8, is_less},
    {MCUQ_S3_vcmp_lt_s16, 16, is_less},
    {MCUQ_S3_vcmp_lt_s32, 32, is_less},
    {MCUQ_S3_vcmp_gt_s8, 8, is_more},
    {MCUQ_S3_vcmp_gt_s16, 16, is_more},
    {MCUQ_S3_vcmp_gt_s32, 32, is_more},
    {MCUQ_S3_vcmp_eq_s8, 8, is_equal},
    {MCUQ_S3_andq, 32, both},
    {MCUQ_S3_orq, 32, either},
    {MCUQ_S3_xorq, 32, one},
    {MCUQ_S3_vmul_s8, 8, product},
    {MCUQ_S3_vmul_s16, 16, product},
};

static mcuq_s3_vector of_lanes(const mcuq_s3_vector *x, const mcuq_s3_vector *y, const lane_word *word) {
    mcuq_s3_vector z;
    for (int32_t i = 0; i < 128 / word->bits; i++) {
        if (word->bits == 8) {
            z.s8[i] = (int8_t)word->function(x->s8[i], y->s8[i]);
        } else if (word->bits == 16) {
            z.s16[i] = (int16_t)word->function(x->s16[i], y->s16[i]);
        } else {
            z.s32[i] = word->function(x->s32[i], y->s32[i]);
        }
    }
    return z;
}

static int32_t with_two_operands(const mcuq_s3_decoded *w) {
    for (uint32_t i = 0; i < sizeof two_operands / sizeof two_operands[0]; i++) {
        if (two_operands[i].name == w->name) {
            const mcuq_s3_vector z = of_lanes(&mcuq_s3.q[w->x], &mcuq_s3.q[w->y], &two_operands[i]);
            if (w->name == MCUQ_S3_vadds_s8_ld_incp) {
                mcuq_s3.q[w->u] = mcuq_s3_load(mcuq_s3_registers[w->a]);
                mcuq_s3_registers[w->a] += 16;
            } else if (w->name == MCUQ_S3_vmax_s8_st_incp) {
                mcuq_s3_store(mcuq_s3_registers[w->a], &mcuq_s3.q[w->v]);
                mcuq_s3_registers[w->a] += 16;
            }
            mcuq_s3.q[w->z] = z;
            return 1;
        }
    }
    return 0;
}

/* Lanes of s and t in turn, the lower halves to s and the upper ones to t; `bytes` a lane. */
static void zip(const mcuq_s3_decoded *w, int32_t bytes) {
    const mcuq_s3_vector s = mcuq_s3.q[w->s], t = mcuq_s3.q[w->t];
    for (int32_t i = 0; i < 32; i++) {
        const int32_t lane = i / bytes, from = lane / 2 * bytes + i % bytes;
        const uint8_t value = lane % 2 == 0 ? s.u8[from] : t.u8[from];
        mcuq_s3.q[i < 16 ? w->s : w->t].u8[i % 16] = value;
    }
}

/* The way back: even lanes of the pair to s, odd ones to t. */
static void unzip(const mcuq_s3_decoded *w, int32_t bytes) {
    const mcuq_s3_vector s = mcuq_s3.q[w->s], t = mcuq_s3.q[w->t];
    for (int32_t i = 0; i < 32; i++) {
        const int32_t lane = i / bytes, to = lane / 2 * bytes + i % bytes;
        mcuq_s3.q[lane % 2 == 0 ? w->s : w->t].u8[to] = i < 16 ? s.u8[i] : t.u8[i - 16];
    }
}

static void shift(const mcuq_s3_decoded *w, int32_t left) {
    const uint32_t by = mcuq_s3_registers[SAR] & 63u;
    for (int32_t i = 0; i < 4; i++) {
        const int64_t value = mcuq_s3.q[w->s].s32[i];
        mcuq_s3.q[w->z].s32[i] = (int32_t)(uint32_t)(left ? (uint64_t)value << by : (uint64_t)(value >> by));
    }
}

static void relu(const mcuq_s3_decoded *w) {
    const int32_t factor = (int8_t)mcuq_s3_registers[w->a];
    for (int32_t i = 0; i < 16; i++) {
        int8_t *const lane = &mcuq_s3.q[w->s].s8[i];
        if (*lane <= 0) {
            *lane = (int8_t)((*lane * factor) >> (mcuq_s3_registers[w->d] & 31u));
        }
    }
}

int32_t mcuq_s3_lanes(const mcuq_s3_decoded *word) {
    mcuq_s3_vector *const z = &mcuq_s3.q[word->z];
    switch (word->name) {
    case MCUQ_S3_zero_q:
        z->s32[0] = z->s32[1] = z->s32[2] = z->s32[3] = 0;
        return 1;
    case MCUQ_S3_notq:
        for (int32_t i = 0; i < 4; i++) {
            z->s32[i] = ~mcuq_s3.q[word->x].s32[i];
        }
        return 1;
    case MCUQ_S3_vzip_8:
        zip(word, 1);
        return 1;
    case MCUQ_S3_vzip_16:
        zip(word, 2);
        return 1;
    case MCUQ_S3_vzip_32:
        zip(word, 4);
        return 1;
    case MCUQ_S3_vunzip_8:
        unzip(word, 1);
        return 1;
    case MCUQ_S3_vunzip_16:
        unzip(word, 2);
        return 1;
    case MCUQ_S3_vunzip_32:
        unzip(word, 4);
        return 1;
    case MCUQ_S3_vsl_32:
        shift(word, 1);
        return 1;
    case MCUQ_S3_vsr_32:
        shift(word, 0);
        return 1;
    case MCUQ_S3_vrelu_s8:
        relu(word);
        return 1;
    default:
        return with_two_operands(word);
    }
}
