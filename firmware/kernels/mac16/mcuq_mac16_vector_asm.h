/* What the cores that multiply a vector with a matrix share: members, and the products of a channel.
 *
 * A word of weights b3 b2 b1 b0 is two int16 as it is: 256 * b1 + b0 and 256 * b3 + b2, b0 and b2 unsigned. One mask
 * makes b0 and b2 of it. So with a[] as in the header
 *
 *   a1 * (256 * b1 + b0) + (256 * a0 - a1) * b0 = 256 * (a1 * b1 + a0 * b0)
 *
 * and the offsets of a[] are such that 256 * a0 - a1 is an int16 for every input. */
#ifndef MCUQ_MAC16_VECTOR_ASM_H
#define MCUQ_MAC16_VECTOR_ASM_H
/* clang-format off */

#include "mcuq_mac16_asm.h"

/* mcuq_mac16_vector */
#define WEIGHTS     0
#define BIAS        4
#define MULTIPLIER  8
#define PER_CHANNEL 12
#define CHANNELS    16
#define TAPS        20
#define X           24
#define ADDITION    28
#define OUTPUT      32
#define ZERO_POINT  36
#define MIN         40
#define MAX         44

/* a12: 256 times the bias of a channel, then with all taps. The instruction `begin` puts x - 4 into a2.
 * a2 x, a3 weights: where the last load was   a4 mask 0x00ff00ff   a5 groups of four taps but the last
 * m0, m1 x; m2 weights */
    .macro  add_taps begin:vararg
    wsr_acclo a12
    ldinc_  m2, a3
    loopgtz_ a5, .Llast\@
    rsr_m   m2, a12
    mula_dd ll, m0, m2
    mula_dd_ldinc hh, m2, a3, m0, m2
    and     a12, a12, a4
    mula_da_ldinc ll, m0, a2, m1, a12
    mula_da_ldinc hh, m1, a2, m1, a12
.Llast\@:
    rsr_m   m2, a12
    mula_dd ll, m0, m2
    mula_dd hh, m0, m2
    \begin
    and     a12, a12, a4
    mula_da_ldinc ll, m0, a2, m1, a12 /* the next channel's */
    mula_da_ldinc hh, m1, a2, m1, a12
    rsr_acclo a12
    .endm

#endif
