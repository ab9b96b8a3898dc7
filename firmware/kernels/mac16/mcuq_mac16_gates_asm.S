/* A vector times a matrix with MAC16, added to gates: six instructions for four weights. See mcuq_mac16_gates.h, and
 * mcuq_mac16_vector_asm.h for how bytes are multiplied. */
#include "mcuq_mac16_isa.h"

#if MCUQ_MAC16

#include "mcuq_mac16_asm.h"

/* mcuq_mac16_gates */
#define WEIGHTS  0
#define BIAS     4
#define SCALE    8
#define SHARING  12
#define CHANNELS 16
#define TAPS     20
#define X        24
#define ADDITION 28
#define GATES    32

/* Locals, from sp */
#define BEGIN_X   0 /* x - 4: ldinc counts first */
#define PER_SCALE 4 /* SHARING */
#define END       8 /* of the biases */
#define LOCALS    16

/* a2 x, a3 weights: where the last load was   a4 mask 0x00ff00ff   a5 groups of four taps but the last
 * a6 gates   a7 channels left of this scale (or, of a scale each, minus all)   a8 bias   a9 next scale
 * a10 multiplier   a11 rounding   a12..a14 temporary   a15 addition, 256 times   m0, m1 x; m2 weights; SAR shift */
    function mcuq_mac16_gates_run, LOCALS
    l32i    a3, a2, X
    l32i    a5, a2, SHARING
    l32i    a7, a2, CHANNELS
    l32i    a8, a2, BIAS
    addi    a3, a3, -4
    addx4   a9, a7, a8
    s32i    a3, sp, BEGIN_X
    s32i    a5, sp, PER_SCALE
    s32i    a9, sp, END
    neg     a9, a7
    addi    a10, a5, -1
    mov     a7, a5
    moveqz  a7, a9, a10
    movi    a4, 255
    slli    a5, a4, 16
    or      a4, a4, a5
    l32i    a3, a2, WEIGHTS
    l32i    a5, a2, TAPS
    l32i    a9, a2, SCALE
    srli    a5, a5, 2
    l32i    a6, a2, GATES
    l32i    a15, a2, ADDITION
    addi    a3, a3, -4
    addi    a5, a5, -1
    slli    a15, a15, 8
    prepare_bias a15, a12
    l32i    a2, sp, BEGIN_X
    ldinc_  m0, a2
    ldinc_  m1, a2

.Lscale:
    l32i    a10, a9, 0
    l32i    a11, a9, 4
    addi    a9, a9, 8
    prepare_multiplier a10, a12
    ssr     a11
    extui   a13, a11, 0, 5
    sub     a11, a11, a13

.Lchannel:
    l32i    a12, a8, 0
    addi    a8, a8, 4
    add     a12, a12, a15
    wsr_acclo a12
    ldinc_  m2, a3
    loopgtz_ a5, .Llast
    rsr_m   m2, a12
    mula_dd ll, m0, m2
    mula_dd_ldinc hh, m2, a3, m0, m2
    and     a12, a12, a4
    mula_da_ldinc ll, m0, a2, m1, a12
    mula_da_ldinc hh, m1, a2, m1, a12
.Llast:
    rsr_m   m2, a12
    mula_dd ll, m0, m2
    mula_dd hh, m0, m2
    l32i    a2, sp, BEGIN_X
    and     a12, a12, a4
    mula_da_ldinc ll, m0, a2, m1, a12 /* the next channel's */
    mula_da_ldinc hh, m1, a2, m1, a12
    rsr_acclo a12
    multiply_high a13, a12, a10, a14
    addi    a12, a11, -128
    movgez  a12, a11, a13
    add     a13, a13, a12
    l16si   a12, a6, 0
    sra     a13, a13
    clamp_to_int16 a13, a13
    add     a13, a13, a12
    clamp_to_int16 a13, a13
    s16i    a13, a6, 0
    addi    a6, a6, 2
    bltz    a7, .Lown_scale
    addi    a7, a7, -1
    bnez    a7, .Lchannel
    l32i    a12, sp, END
    l32i    a7, sp, PER_SCALE
    sub     a12, a12, a8
    bnez    a12, .Lscale
    j       .Ldone
.Lown_scale:
    addi    a7, a7, 1
    bnez    a7, .Lscale
.Ldone:
    return  LOCALS
    end_function mcuq_mac16_gates_run

#endif
