/* Loads, stores and moves. Addresses lose their lower bits without a word, as on the chip. */
#include "mcuq_s3.h"

mcuq_s3_vector mcuq_s3_load(uint32_t address) {
    return *(const mcuq_s3_vector *)(uintptr_t)(address & ~15u);
}

void mcuq_s3_store(uint32_t address, const mcuq_s3_vector *value) {
    *(mcuq_s3_vector *)(uintptr_t)(address & ~15u) = *value;
}

mcuq_s3_vector mcuq_s3_funnel(int32_t s, int32_t t) {
    mcuq_s3_vector result;
    for (uint32_t i = 0; i < 16; i++) {
        const uint32_t from = i + mcuq_s3.sar_byte;
        result.u8[i] = from < 16 ? mcuq_s3.q[s].u8[from] : mcuq_s3.q[t].u8[from - 16];
    }
    return result;
}

static void load_half(const mcuq_s3_decoded *w, int32_t half) {
    const int32_t *const from = (const int32_t *)(uintptr_t)(mcuq_s3_registers[w->a] & ~7u);
    mcuq_s3.q[w->u].s32[2 * half] = from[0];
    mcuq_s3.q[w->u].s32[2 * half + 1] = from[1];
}

static void store_half(const mcuq_s3_decoded *w, int32_t half) {
    int32_t *const to = (int32_t *)(uintptr_t)(mcuq_s3_registers[w->a] & ~7u);
    to[0] = mcuq_s3.q[w->v].s32[2 * half];
    to[1] = mcuq_s3.q[w->v].s32[2 * half + 1];
}

static void broadcast(const mcuq_s3_decoded *w, uint32_t bytes) {
    const uint8_t *const from = (const uint8_t *)(uintptr_t)(mcuq_s3_registers[w->a] & ~(bytes - 1));
    for (uint32_t i = 0; i < 16; i++) {
        mcuq_s3.q[w->u].u8[i] = from[i % bytes];
    }
}

static void store_funnel(const mcuq_s3_decoded *w) {
    const mcuq_s3_vector value = mcuq_s3_funnel(w->s, w->t);
    mcuq_s3_store(mcuq_s3_registers[w->a], &value);
    mcuq_s3_registers[w->a] += 16;
}

static void shift_pair(const mcuq_s3_decoded *w, int32_t keep) {
    const mcuq_s3_vector second = mcuq_s3.q[w->t];
    mcuq_s3.q[w->z] = mcuq_s3_funnel(w->s, w->t);
    if (keep) {
        mcuq_s3.q[w->s] = second;
    }
}

static void funnel_and_load(const mcuq_s3_decoded *w) {
    const mcuq_s3_vector loaded = mcuq_s3_load(mcuq_s3_registers[w->a]);
    mcuq_s3.q[w->s] = mcuq_s3_funnel(w->s, w->t);
    mcuq_s3.q[w->u] = loaded;
    mcuq_s3_registers[w->a] += (uint32_t)w->i;
}

/* Moves that step no address. */
static int32_t moves(const mcuq_s3_decoded *w) {
    uint32_t *const registers = mcuq_s3_registers;
    switch (w->name) {
    case MCUQ_S3_ld_qr:
        mcuq_s3.q[w->u] = mcuq_s3_load((registers[w->a] & ~15u) + (uint32_t)w->i);
        return 1;
    case MCUQ_S3_st_qr:
        mcuq_s3_store((registers[w->a] & ~15u) + (uint32_t)w->i, &mcuq_s3.q[w->v]);
        return 1;
    case MCUQ_S3_mv_qr:
        mcuq_s3.q[w->z] = mcuq_s3.q[w->s];
        return 1;
    case MCUQ_S3_movi_32_a:
        registers[w->d] = (uint32_t)mcuq_s3.q[w->s].s32[w->n];
        return 1;
    case MCUQ_S3_movi_32_q:
        mcuq_s3.q[w->u].s32[w->n] = (int32_t)registers[w->a];
        return 1;
    case MCUQ_S3_wur_sar_byte:
        mcuq_s3.sar_byte = registers[w->d] & 15u;
        return 1;
    case MCUQ_S3_rur_sar_byte:
        registers[w->d] = mcuq_s3.sar_byte;
        return 1;
    case MCUQ_S3_vldbc_8:
        broadcast(w, 1);
        return 1;
    case MCUQ_S3_src_q:
        shift_pair(w, 0);
        return 1;
    case MCUQ_S3_src_q_qup:
        shift_pair(w, 1);
        return 1;
    case MCUQ_S3_src_q_ld_ip:
        funnel_and_load(w);
        return 1;
    case MCUQ_S3_srcq_128_st_incp:
        store_funnel(w);
        return 1;
    default:
        return 0;
    }
}

int32_t mcuq_s3_memory(const mcuq_s3_decoded *word) {
    const mcuq_s3_decoded *const w = word;
    uint32_t *const address = &mcuq_s3_registers[w->a];
    uint32_t step = (uint32_t)w->i;
    switch (w->name) {
    case MCUQ_S3_ld_128_usar_xp:
    case MCUQ_S3_ld_128_usar_ip:
        mcuq_s3.sar_byte = *address & 15u;
        mcuq_s3.q[w->u] = mcuq_s3_load(*address);
        step += w->name == MCUQ_S3_ld_128_usar_xp ? mcuq_s3_registers[w->d] : 0;
        break;
    case MCUQ_S3_vld_128_xp:
        step = mcuq_s3_registers[w->d];
        mcuq_s3.q[w->u] = mcuq_s3_load(*address);
        break;
    case MCUQ_S3_vld_128_ip:
        mcuq_s3.q[w->u] = mcuq_s3_load(*address);
        break;
    case MCUQ_S3_vld_l_64_ip:
        load_half(w, 0);
        break;
    case MCUQ_S3_vld_h_64_ip:
        load_half(w, 1);
        break;
    case MCUQ_S3_vldbc_8_xp:
        step = mcuq_s3_registers[w->d];
        broadcast(w, 1);
        break;
    case MCUQ_S3_vldbc_8_ip:
        broadcast(w, 1);
        break;
    case MCUQ_S3_vldbc_16_ip:
        broadcast(w, 2);
        break;
    case MCUQ_S3_vldbc_32_ip:
        broadcast(w, 4);
        break;
    case MCUQ_S3_vst_128_xp:
        step = mcuq_s3_registers[w->d];
        mcuq_s3_store(*address, &mcuq_s3.q[w->v]);
        break;
    case MCUQ_S3_vst_128_ip:
        mcuq_s3_store(*address, &mcuq_s3.q[w->v]);
        break;
    case MCUQ_S3_vst_l_64_ip:
        store_half(w, 0);
        break;
    case MCUQ_S3_vst_h_64_ip:
        store_half(w, 1);
        break;
    default:
        return moves(w);
    }
    *address += step;
    return 1;
}
