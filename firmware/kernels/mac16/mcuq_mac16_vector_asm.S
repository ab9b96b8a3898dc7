/* A vector times a matrix with MAC16: six instructions for four weights, which come from flash once and are not widened.
 * See mcuq_mac16_vector.h, and mcuq_mac16_vector_asm.h for how bytes are multiplied. */
#include "mcuq_mac16_isa.h"

#if MCUQ_MAC16

#include "mcuq_mac16_vector_asm.h"

/* Locals, from sp, behind those of mcuq_mac16_asm.h */
#define BEGIN_X    16 /* x - 4: ldinc counts first */
#define ODD        20 /* 2 * zero point + 1 */
#define SCALES     24 /* PER_CHANNEL */
#define LOCALS     32

/* a2 x, a3 weights: where the last load was   a4 mask 0x00ff00ff   a5 groups of four taps but the last
 * a6 output   a7 channels left   a8 bias   a9 next multiplier   a10 multiplier   a11 rounding   a12..a14 temporary
 * a15 addition, 256 times   m0, m1 x; m2 weights; SAR shift */
    function mcuq_mac16_vector_run, LOCALS
    l32i    a3, a2, X
    l32i    a5, a2, PER_CHANNEL
    l32i    a6, a2, ZERO_POINT
    addi    a3, a3, -4
    s32i    a3, sp, BEGIN_X
    s32i    a5, sp, SCALES
    l32i    a7, a2, MIN
    l32i    a8, a2, MAX
    movi    a9, 1
    addx2   a6, a6, a9
    s32i    a6, sp, ODD
    s32i    a7, sp, LOWEST
    s32i    a8, sp, HIGHEST
    movi    a4, 255
    slli    a5, a4, 16
    or      a4, a4, a5
    l32i    a3, a2, WEIGHTS
    l32i    a5, a2, TAPS
    l32i    a9, a2, MULTIPLIER
    srli    a5, a5, 2
    l32i    a6, a2, OUTPUT
    l32i    a7, a2, CHANNELS
    l32i    a8, a2, BIAS
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
    l32i    a14, sp, SCALES
    l32i    a12, a8, 0
    l32i    a13, sp, ODD
    addx4   a9, a14, a9
    prepare_multiplier a10, a14
    prepare_rounding a12, a11, a13, a14
    j       .Lbias

.Lchannel:
    l32i    a12, a8, 0
    srli    a12, a12, 8 /* without the right shift that lies there */
    slli    a12, a12, 8
.Lbias:
    add     a12, a12, a15
    addi    a8, a8, 4
    add_taps l32i a2, sp, BEGIN_X
    multiply_high a13, a12, a10, a14
    addi    a12, a11, -128
    l32i    a14, sp, LOWEST
    movgez  a12, a11, a13
    add     a13, a13, a12
    l32i    a12, sp, HIGHEST
    sra     a13, a13
    max_    a13, a13, a14
    min_    a13, a13, a12
    addi    a7, a7, -1
    l32i    a12, sp, SCALES
    s8i     a13, a6, 0
    addi    a6, a6, 1
    beqz    a7, .Ldone
    bnez    a12, .Lscale
    j       .Lchannel
.Ldone:
    return  LOCALS
    end_function mcuq_mac16_vector_run

#endif
