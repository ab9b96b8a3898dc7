/* Reading, writing and shifting the accumulators. */
#include "mcuq_s3.h"

enum { HALF_WORDS = 5 };

/* Eight lanes of 20 bits as the 160 bits that memory gets. */
static void pack(int32_t half, uint32_t words[HALF_WORDS]) {
    for (int32_t i = 0; i < HALF_WORDS; i++) {
        words[i] = 0;
    }
    for (int32_t lane = 0; lane < 8; lane++) {
        const uint32_t value = (uint32_t)mcuq_s3.qacc[8 * half + lane] & 0xfffffu;
        const int32_t bit = 20 * lane;
        words[bit / 32] |= value << bit % 32;
        if (bit % 32 > 12) {
            words[bit / 32 + 1] |= value >> (32 - bit % 32);
        }
    }
}

static void unpack(int32_t half, const uint32_t words[HALF_WORDS]) {
    for (int32_t lane = 0; lane < 8; lane++) {
        const int32_t bit = 20 * lane;
        uint32_t value = words[bit / 32] >> bit % 32;
        if (bit % 32 > 12) {
            value |= words[bit / 32 + 1] << (32 - bit % 32);
        }
        mcuq_s3.qacc[8 * half + lane] = (int32_t)(value << 12) >> 12;
    }
}

/* Words `first` to `first + count - 1` of a half from or to memory. */
static void transfer(const mcuq_s3_decoded *w, int32_t half, int32_t first, int32_t count, int32_t store) {
    uint32_t words[HALF_WORDS];
    uint32_t *const memory = (uint32_t *)(uintptr_t)(mcuq_s3_registers[w->a] & ~(uint32_t)(4 * count - 1));
    pack(half, words);
    for (int32_t i = 0; i < count; i++) {
        if (store) {
            memory[i] = words[first + i];
        } else {
            words[first + i] = memory[i];
        }
    }
    if (!store) {
        unpack(half, words);
    }
    mcuq_s3_registers[w->a] += (uint32_t)w->i;
}

static void set_s8(const mcuq_s3_vector *from) {
    for (int32_t i = 0; i < 16; i++) {
        mcuq_s3.qacc[i] = from->s8[i];
    }
}

static void set_s16(const mcuq_s3_vector *from) {
    for (int32_t i = 0; i < 8; i++) {
        mcuq_s3_set_wide(i, from->s16[i]);
    }
}

static void load_lanes(const mcuq_s3_decoded *w, void (*set)(const mcuq_s3_vector *)) {
    const mcuq_s3_vector value = mcuq_s3_load(mcuq_s3_registers[w->a]);
    set(&value);
    mcuq_s3_registers[w->a] += (uint32_t)w->i;
}

static void shift_s8(const mcuq_s3_decoded *w) {
    const uint32_t by = mcuq_s3_registers[w->a] & 31u;
    for (int32_t i = 0; i < 16; i++) {
        mcuq_s3.qacc[i] >>= by;
        mcuq_s3.q[w->u].s8[i] = (int8_t)mcuq_s3_clamped(mcuq_s3.qacc[i], 8);
    }
}

static void shift_s16(const mcuq_s3_decoded *w) {
    const uint32_t by = mcuq_s3_registers[w->a] & 63u;
    for (int32_t i = 0; i < 8; i++) {
        const int64_t value = mcuq_s3_wide(i) >> by;
        mcuq_s3_set_wide(i, value);
        mcuq_s3.q[w->u].s16[i] = (int16_t)(value > 32767 ? 32767 : value < -32768 ? -32768 : value);
    }
}

static void shift_accx(const mcuq_s3_decoded *w) {
    mcuq_s3.accx >>= mcuq_s3_registers[w->a] & 63u;
    const int64_t value = mcuq_s3.accx;
    mcuq_s3_registers[w->d] = (uint32_t)(value > INT32_MAX   ? INT32_MAX
                                         : value < INT32_MIN ? INT32_MIN
                                                             : (int32_t)value);
}

static int32_t transfers(const mcuq_s3_decoded *w) {
    switch (w->name) {
    case MCUQ_S3_st_qacc_l_l_128_ip:
        transfer(w, 0, 0, 4, 1);
        return 1;
    case MCUQ_S3_st_qacc_l_h_32_ip:
        transfer(w, 0, 4, 1, 1);
        return 1;
    case MCUQ_S3_st_qacc_h_l_128_ip:
        transfer(w, 1, 0, 4, 1);
        return 1;
    case MCUQ_S3_st_qacc_h_h_32_ip:
        transfer(w, 1, 4, 1, 1);
        return 1;
    case MCUQ_S3_ld_qacc_l_l_128_ip:
        transfer(w, 0, 0, 4, 0);
        return 1;
    case MCUQ_S3_ld_qacc_l_h_32_ip:
        transfer(w, 0, 4, 1, 0);
        return 1;
    case MCUQ_S3_ld_qacc_h_l_128_ip:
        transfer(w, 1, 0, 4, 0);
        return 1;
    case MCUQ_S3_ld_qacc_h_h_32_ip:
        transfer(w, 1, 4, 1, 0);
        return 1;
    case MCUQ_S3_ldqa_s8_128_ip:
        load_lanes(w, set_s8);
        return 1;
    case MCUQ_S3_ldqa_s16_128_ip:
        load_lanes(w, set_s16);
        return 1;
    default:
        return 0;
    }
}

int32_t mcuq_s3_accumulators(const mcuq_s3_decoded *word) {
    switch (word->name) {
    case MCUQ_S3_zero_accx:
        mcuq_s3.accx = 0;
        return 1;
    case MCUQ_S3_zero_qacc:
        for (int32_t i = 0; i < 16; i++) {
            mcuq_s3.qacc[i] = 0;
        }
        return 1;
    case MCUQ_S3_mov_s8_qacc:
        set_s8(&mcuq_s3.q[word->s]);
        return 1;
    case MCUQ_S3_mov_s16_qacc:
        set_s16(&mcuq_s3.q[word->s]);
        return 1;
    case MCUQ_S3_srcmb_s8_qacc:
        shift_s8(word);
        return 1;
    case MCUQ_S3_srcmb_s16_qacc:
        shift_s16(word);
        return 1;
    case MCUQ_S3_srs_accx:
        shift_accx(word);
        return 1;
    case MCUQ_S3_rur_accx_0:
        mcuq_s3_registers[word->d] = (uint32_t)mcuq_s3.accx;
        return 1;
    case MCUQ_S3_rur_accx_1:
        mcuq_s3_registers[word->d] = (uint32_t)(mcuq_s3.accx >> 32) & 255u;
        return 1;
    default:
        return transfers(word);
    }
}
