/* Products into the accumulators, with the loads that some of these words do besides: all operands are read first. */
#include "mcuq_s3.h"

static int64_t clamped40(int64_t value) {
    const int64_t top = ((int64_t)1 << 39) - 1;
    return value > top ? top : value < -top - 1 ? -top - 1 : value;
}

int64_t mcuq_s3_wide(int32_t lane) {
    const int32_t *const two = mcuq_s3.qacc + 2 * lane;
    return ((int64_t)two[1] << 20) | (int64_t)(two[0] & 0xfffff);
}

void mcuq_s3_set_wide(int32_t lane, int64_t value) {
    int32_t *const two = mcuq_s3.qacc + 2 * lane;
    two[0] = (int32_t)((uint32_t)value << 12) >> 12;
    two[1] = (int32_t)(value >> 20);
}

static void accx_s8(const mcuq_s3_decoded *w) {
    int32_t sum = 0;
    for (int32_t i = 0; i < 16; i++) {
        sum += mcuq_s3.q[w->x].s8[i] * mcuq_s3.q[w->y].s8[i];
    }
    mcuq_s3.accx = clamped40(mcuq_s3.accx + sum);
}

static void accx_s16(const mcuq_s3_decoded *w) {
    int64_t sum = 0;
    for (int32_t i = 0; i < 8; i++) {
        sum += mcuq_s3.q[w->x].s16[i] * mcuq_s3.q[w->y].s16[i];
    }
    mcuq_s3.accx = clamped40(mcuq_s3.accx + sum);
}

static void qacc_s8(const mcuq_s3_decoded *w) {
    for (int32_t i = 0; i < 16; i++) {
        const int32_t product = mcuq_s3.q[w->x].s8[i] * mcuq_s3.q[w->y].s8[i];
        mcuq_s3.qacc[i] = mcuq_s3_clamped(mcuq_s3.qacc[i] + product, 20);
    }
}

static void qacc_s8_by_one(const mcuq_s3_decoded *w) {
    const int32_t factor = mcuq_s3.q[w->y].s8[w->n];
    const int8_t *const x = mcuq_s3.q[w->x].s8;
    for (int32_t i = 0; i < 16; i++) {
        mcuq_s3.qacc[i] = mcuq_s3_clamped(mcuq_s3.qacc[i] + x[i] * factor, 20);
    }
}

static void add_wide(int32_t lane, int32_t product) {
    mcuq_s3_set_wide(lane, clamped40(mcuq_s3_wide(lane) + product));
}

static void qacc_s16(const mcuq_s3_decoded *w) {
    for (int32_t i = 0; i < 8; i++) {
        add_wide(i, mcuq_s3.q[w->x].s16[i] * mcuq_s3.q[w->y].s16[i]);
    }
}

static void qacc_s16_by_one(const mcuq_s3_decoded *w) {
    const int32_t factor = mcuq_s3.q[w->y].s16[w->n];
    for (int32_t i = 0; i < 8; i++) {
        add_wide(i, mcuq_s3.q[w->x].s16[i] * factor);
    }
}

static void load_too(const mcuq_s3_decoded *w, uint32_t step) {
    mcuq_s3.q[w->u] = mcuq_s3_load(mcuq_s3_registers[w->a]);
    mcuq_s3_registers[w->a] += step;
}

/* The pair's bytes move up, and the next vector is loaded. */
static void load_and_shift(const mcuq_s3_decoded *w) {
    const mcuq_s3_vector shifted = mcuq_s3_funnel(w->s, w->t);
    load_too(w, (uint32_t)w->i);
    mcuq_s3.q[w->s] = shifted;
}

static void broadcast_too(const mcuq_s3_decoded *w) {
    const uint8_t byte = *(const uint8_t *)(uintptr_t)mcuq_s3_registers[w->a]++;
    for (int32_t i = 0; i < 16; i++) {
        mcuq_s3.q[w->u].u8[i] = byte;
    }
}

/* Sums of 8-bit products. */
static int32_t sums_s8(const mcuq_s3_decoded *w) {
    switch (w->name) {
    case MCUQ_S3_vmulas_s8_accx:
        accx_s8(w);
        return 1;
    case MCUQ_S3_vmulas_s8_accx_ld_ip:
        accx_s8(w);
        load_too(w, (uint32_t)w->i);
        return 1;
    case MCUQ_S3_vmulas_s8_accx_ld_xp:
        accx_s8(w);
        load_too(w, mcuq_s3_registers[w->d]);
        return 1;
    case MCUQ_S3_vmulas_s8_accx_ld_ip_qup:
        accx_s8(w);
        load_and_shift(w);
        return 1;
    case MCUQ_S3_vmulas_s8_qacc:
        qacc_s8(w);
        return 1;
    case MCUQ_S3_vmulas_s8_qacc_ld_ip:
        qacc_s8(w);
        load_too(w, (uint32_t)w->i);
        return 1;
    case MCUQ_S3_vmulas_s8_qacc_ld_xp:
        qacc_s8(w);
        load_too(w, mcuq_s3_registers[w->d]);
        return 1;
    case MCUQ_S3_vmulas_s8_qacc_ldbc_incp:
        qacc_s8(w);
        broadcast_too(w);
        return 1;
    case MCUQ_S3_vmulas_s8_qacc_ld_ip_qup:
        qacc_s8(w);
        load_and_shift(w);
        return 1;
    case MCUQ_S3_vsmulas_s8_qacc:
        qacc_s8_by_one(w);
        return 1;
    case MCUQ_S3_vsmulas_s8_qacc_ld_incp:
        qacc_s8_by_one(w);
        load_too(w, 16);
        return 1;
    default:
        return 0;
    }
}

int32_t mcuq_s3_sums(const mcuq_s3_decoded *word) {
    switch (word->name) {
    case MCUQ_S3_vmulas_s16_accx:
        accx_s16(word);
        return 1;
    case MCUQ_S3_vmulas_s16_accx_ld_ip:
        accx_s16(word);
        load_too(word, (uint32_t)word->i);
        return 1;
    case MCUQ_S3_vmulas_s16_qacc:
        qacc_s16(word);
        return 1;
    case MCUQ_S3_vmulas_s16_qacc_ld_ip:
        qacc_s16(word);
        load_too(word, (uint32_t)word->i);
        return 1;
    case MCUQ_S3_vsmulas_s16_qacc:
        qacc_s16_by_one(word);
        return 1;
    case MCUQ_S3_vsmulas_s16_qacc_ld_incp:
        qacc_s16_by_one(word);
        load_too(word, 16);
        return 1;
    default:
        return sums_s8(word);
    }
}
