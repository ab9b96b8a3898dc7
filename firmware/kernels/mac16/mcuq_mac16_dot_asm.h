/* What the cores for dot products of a tile share: mcuq_mac16_dot.h, mcuq_mac16_dot_packed.h. */
#ifndef MCUQ_MAC16_DOT_ASM_H
#define MCUQ_MAC16_DOT_ASM_H
/* clang-format off */

#include "mcuq_mac16_asm.h"

/* mcuq_mac16_dot */
#define WEIGHTS     0
#define BIAS        4
#define MULTIPLIER  8
#define PER_CHANNEL 12
#define CHANNELS    16
#define TAPS        20
#define X           24
#define FILTER      28
#define STEP        32
#define PIXELS      36
#define ROW_STEP    40
#define ROWS        44
#define OUTPUT      48
#define OUTPUT_STEP 52
#define ZERO_POINT  56
#define MIN         60
#define MAX         64

/* Locals, from sp, behind those of mcuq_mac16_asm.h */
#define TILE         16
#define BEGIN_FILTER 20 /* filter - 4: ldinc counts first */
#define BEGIN_X      24 /* x - 4 */
#define SPAN         28 /* bytes of x from there to the last load of a row, which is the first of the pixel behind it */
#define JUMP         32 /* bytes of x from a pixel's last load to the next pixel, less 4 */
#define GROUPS       36 /* of four taps but the last */
#define ODD          40 /* 2 * zero point + 1 */
#define MASK         44 /* of a pair of weights */
#define NEXT_WEIGHTS 48
#define NEXT_BIAS    52
#define NEXT_SCALE   56 /* multiplier */
#define NEXT_OUTPUT  60
#define LEFT         64 /* channels */
#define ROW          68 /* where the row's x begins, less 4 */
#define ROWS_LEFT    72
#define BLOCKS       76 /* of words of weights */
#define ONES         80 /* words of the rest */
#define HALF         84 /* of the packed core: 64, times what weights are larger there */
#define LOCALS       96

/* All rows and pixels of one filter; a2 is where x begins, less 4.
 *
 * a2 x, a3 filter: where the last load was   a4 where a2 is behind the last pixel   a5 from a last load to the next pixel
 * a6 output   a7 bytes to the next pixel's   a8 bias   a9 groups of four taps but the last
 * a10 multiplier   a11 rounding   a12..a14 temporary   m0, m1 x; m2, m3 filter; SAR shift */
    .macro  pixels style
.Lrow\@:
    l32i    a4, sp, SPAN
    l32i    a3, sp, BEGIN_FILTER
    add     a4, a4, a2
    ldinc_  m0, a2
    ldinc_  m2, a3
.Lpixel\@:
    wsr_acclo a8
    loopgtz_ a9, .Llast\@
    mula_dd_ldinc ll, m1, a2, m0, m2
    mula_dd_ldinc hh, m3, a3, m0, m2
    mula_dd_ldinc ll, m0, a2, m1, m3
    mula_dd_ldinc hh, m2, a3, m1, m3
.Llast\@: /* the last four taps load the first of the next pixel, of the last pixel what lies there */
    mula_dd_ldinc ll, m1, a2, m0, m2
    mula_dd_ldinc hh, m3, a3, m0, m2
    l32i    a3, sp, BEGIN_FILTER
    add     a2, a2, a5
    mula_dd_ldinc ll, m0, a2, m1, m3
    mula_dd_ldinc hh, m2, a3, m1, m3
    rsr_acclo a12
    multiply_high a13, a12, a10, a14
    round_and_limit \style, a13, a11, a12, a14
    s8i     a13, a6, 0
    add     a6, a6, a7
    bne     a2, a4, .Lpixel\@

    l32i    a12, sp, ROWS_LEFT
    addi    a12, a12, -1
    beqz    a12, .Lnext
    s32i    a12, sp, ROWS_LEFT
    l32i    a13, sp, TILE
    l32i    a2, sp, ROW
    l32i    a13, a13, ROW_STEP
    add     a2, a2, a13
    s32i    a2, sp, ROW
    j       .Lrow\@
    .endm

/* Locals of the tile a2; what depends on how weights are stored is left to do. */
    .macro  begin_tile
    s32i    a2, sp, TILE
    l32i    a3, a2, FILTER
    l32i    a4, a2, PIXELS
    l32i    a5, a2, STEP
    l32i    a6, a2, TAPS
    l32i    a7, a2, X
    addi    a3, a3, -4
    s32i    a3, sp, BEGIN_FILTER
    mull    a4, a4, a5
    addi    a4, a4, 4
    s32i    a4, sp, SPAN
    add     a8, a6, a6
    sub     a5, a5, a8
    s32i    a5, sp, JUMP
    srli    a6, a6, 2
    addi    a6, a6, -1
    s32i    a6, sp, GROUPS
    addi    a7, a7, -4
    s32i    a7, sp, BEGIN_X
    l32i    a3, a2, WEIGHTS
    l32i    a4, a2, BIAS
    l32i    a5, a2, MULTIPLIER
    l32i    a6, a2, OUTPUT
    l32i    a7, a2, CHANNELS
    s32i    a3, sp, NEXT_WEIGHTS
    s32i    a4, sp, NEXT_BIAS
    s32i    a5, sp, NEXT_SCALE
    s32i    a6, sp, NEXT_OUTPUT
    s32i    a7, sp, LEFT
    l32i    a5, a2, MIN
    l32i    a6, a2, MAX
    l32i    a7, a2, ZERO_POINT
    mov     a8, a7
    prepare_style a5, a6, a7, a9
    addx2   a8, a8, a9
    s32i    a8, sp, ODD
    .endm

/* All outputs of the channel whose filter is ready; a2 is the tile. `half`: the local that has it, or 64. */
    .macro  channel half=
    l32i    a6, sp, NEXT_BIAS
    l32i    a4, sp, NEXT_SCALE
    l32i    a7, a2, PER_CHANNEL
    l32i    a8, a6, 0
    l32i    a10, a4, 0
    addi    a6, a6, 4
    addx4   a4, a7, a4
    s32i    a6, sp, NEXT_BIAS
    s32i    a4, sp, NEXT_SCALE
    l32i    a13, sp, ODD
    prepare_channel a8, a11, a13, a12, \half
    prepare_multiplier a10, a12

    l32i    a12, a2, ROWS
    l32i    a7, a2, OUTPUT_STEP
    l32i    a6, sp, NEXT_OUTPUT
    s32i    a12, sp, ROWS_LEFT
    l32i    a2, sp, BEGIN_X
    addi    a12, a6, 1
    s32i    a12, sp, NEXT_OUTPUT
    l32i    a12, sp, STYLE
    l32i    a5, sp, JUMP
    l32i    a9, sp, GROUPS
    s32i    a2, sp, ROW
    bnez    a12, .Lsigned
    pixels  PLAIN
.Lsigned:
    .ifb    \half
    addi    a13, a11, -128
    .else
    l32i    a13, sp, \half
    slli    a13, a13, 1
    sub     a13, a11, a13
    .endif
    s32i    a13, sp, NEGATIVE
    addi    a12, a12, -SIGNED
    bnez    a12, .Llimited
    pixels  SIGNED
.Llimited:
    pixels  LIMITED
    .endm

/* Back to `again` while there are channels. */
    .macro  next_channel again
.Lnext:
    l32i    a3, sp, LEFT
    addi    a3, a3, -1
    s32i    a3, sp, LEFT
    beqz    a3, .Ldone
    j       \again
.Ldone:
    .endm

#endif
