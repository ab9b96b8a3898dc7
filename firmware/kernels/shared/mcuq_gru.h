/* What a gated recurrent unit does with its gates. Meaning: mcuq/ops/gru.py. */
#ifndef MCUQ_GRU_H
#define MCUQ_GRU_H

#include "mcuq_int16.h"

typedef struct {
    int32_t units;
    int32_t kept_shift;  /* of 2^-16 times update gate and state */
    int32_t fresh_shift; /* of 2^-16 times the rest of the update gate and the new gate */
    int32_t output_multiplier;
    int32_t output_shift;
    int32_t reset_multiplier;
    int32_t reset_shift;
    int32_t output_zero_point;
    const uint16_t *logistic; /* (256) */
} mcuq_gru_cell;

static inline int8_t mcuq_gru_in_bytes(const mcuq_gru_cell *p, int32_t x, int32_t multiplier, int32_t shift) {
    return mcuq_clamp_s8(mcuq_requantize_half(x, multiplier, shift) + p->output_zero_point, -128, 127);
}

/* A state as int8. */
static inline int8_t mcuq_gru_said(const mcuq_gru_cell *p, int32_t state) {
    return mcuq_gru_in_bytes(p, state, p->output_multiplier, p->output_shift);
}

/* What the reset gate leaves of a state, as int8. */
static inline int8_t mcuq_gru_left(const mcuq_gru_cell *p, int32_t reset, int32_t state) {
    return mcuq_gru_in_bytes(p, reset * state, p->reset_multiplier, p->reset_shift);
}

/* What the reset gate leaves of the new gate's product with the state. */
static inline int16_t mcuq_gru_reset(const mcuq_gru_cell *p, int32_t reset, int32_t product) {
    return (int16_t)mcuq_saturate_s16(mcuq_product_s16(reset, product, p->kept_shift));
}

/* gate (4, units): update and reset gate in Q0.15, both products of the new gate in Q3.12; state (units) changes,
 * hidden (units) is written. */
static inline void mcuq_gru_update(const mcuq_gru_cell *p, const int16_t *gate, int16_t *state, int8_t *hidden) {
    const int32_t n = p->units;
    for (int32_t u = 0; u < n; u++) {
        const int32_t fresh = mcuq_tanh_s16(3 * mcuq_saturate_s16(gate[2 * n + u] + gate[3 * n + u]), p->logistic);
        const int32_t kept = mcuq_product_s16(gate[u], state[u], p->kept_shift);
        state[u] = (int16_t)mcuq_saturate_s16(kept + mcuq_product_s16(fresh, (1 << 15) - gate[u], p->fresh_shift));
        hidden[u] = mcuq_gru_said(p, state[u]);
    }
}

#endif
