/* Depthwise windows with MAC16: where everything lies, and the loops over a channel's pixels.
 *
 * Two taps of a channel's filter lie in a word, as int16 times 256. Those of 3x3 stay in registers, so that nine
 * instructions do the nine taps, their loads included; other filters come from the workspace, three instructions for
 * two taps. Which half of x is multiplied is part of the instruction: hence the copies of the code. */
#ifndef MCUQ_MAC16_DEPTHWISE_ASM_H
#define MCUQ_MAC16_DEPTHWISE_ASM_H
/* clang-format off */

#include "mcuq_mac16_asm.h"

/* mcuq_mac16_depthwise */
#define WEIGHTS     0
#define BIAS        4
#define MULTIPLIER  8
#define PER_CHANNEL 12
#define CHANNELS    16
#define FILTER_H    20
#define FILTER_W    24
#define X           28
#define PLANE       32
#define FILTER      36
#define COLUMN      40
#define STEP        44
#define PIXELS      48
#define NEXT_ROW    52
#define ROWS        56
#define OUTPUT      60
#define OUTPUT_STEP 64
#define ZERO_POINT  68
#define MIN         72
#define MAX         76

/* Locals, from sp, behind those of mcuq_mac16_asm.h */
#define TILE         16
#define BEGIN_X      20 /* x - 4 of the channel */
#define SPAN         24 /* bytes of x from there to the last load of a row, which is the first of the pixel behind it */
#define JUMP         28 /* bytes of x from a pixel's last load to the next pixel, less 4 */
#define COLUMN_JUMP  32 /* bytes of x from a column's last word to the next column, less 4; 3x3 */
#define PAIRS        36 /* of taps */
#define ODD          40 /* 2 * zero point + 1 */
#define MASK         44 /* 0xff00ff00 */
#define SHIFT        48 /* of the channel's weights: 8, 0, 8, 0 */
#define ROW          52 /* where the row's x begins, less 4 */
#define ROWS_LEFT    56
#define CHANNEL      60
#define SHAPE        64
#define BEGIN_FILTER 68 /* filter - 4: ldinc counts first */
#define LOCALS       80

/* SHAPE: what code runs */
#define DENSE_NINE  0 /* 3x3, nothing between the columns */
#define SPACED_NINE 1 /* 3x3 */
#define UP_TO_SIX   2 /* taps, and nothing between them */
#define UP_TO_TEN   3
#define ANY         4

/* t in a13 to the output; on to the next pixel, row or channel. */
    .macro  finish style, pixel, row
    round_and_limit \style, a13, a11, a12, a14
    s8i     a13, a8, 0
    add     a8, a8, a9
    bne     a2, a3, \pixel

    l32i    a12, sp, ROWS_LEFT
    addi    a12, a12, -1
    beqz    a12, .Lnext
    s32i    a12, sp, ROWS_LEFT
    l32i    a13, sp, TILE
    l32i    a2, sp, ROW
    l32i    a13, a13, NEXT_ROW
    add     a2, a2, a13
    s32i    a2, sp, ROW
    j       \row
    .endm

/* Begin a row at a2; a3 is where a2 is behind its last pixel. */
    .macro  begin_row
    l32i    a3, sp, SPAN
    add     a3, a3, a2
    ldinc_  m0, a2
    .endm

/* All pixels of one channel whose taps fit into registers: `taps` of them, 6, 9 (3x3) or 10. lo and hi name the half of x
 * with that of the filter. The last tap loads the next pixel's first, of the last pixel what lies there.
 *
 * a2, a3 as above   a4 from a pixel's last load to the next pixel   a5, a6, a7 taps 4..9
 * a8 output   a9 bytes to the next pixel's   a10 multiplier   a11 rounding   a12..a14 temporary   a15 bias
 * m0, m1 x; m2, m3 taps 0..3; SAR shift */
    .macro  few taps, lo, hi, style, is_spaced
.Lrow\@:
    begin_row
.Lpixel\@:
    wsr_acclo a15
    .if     \is_spaced
    l32i    a12, sp, COLUMN_JUMP
    .endif
    mula_dd_ldinc \lo, m1, a2, m0, m2
    mula_dd_ldinc \hi, m0, a2, m1, m2
    .if     \is_spaced
    add     a2, a2, a12
    .endif
    mula_dd_ldinc \lo, m1, a2, m0, m3
    mula_dd_ldinc \hi, m0, a2, m1, m3
    mula_da_ldinc \lo, m1, a2, m0, a5
    .if     \is_spaced
    add     a2, a2, a12
    .endif
    .if     \taps == 6
    add     a2, a2, a4
    mula_da_ldinc \hi, m0, a2, m1, a5
    .else
    mula_da_ldinc \hi, m0, a2, m1, a5
    mula_da_ldinc \lo, m1, a2, m0, a6
    mula_da_ldinc \hi, m0, a2, m1, a6
    .if     \taps == 9
    add     a2, a2, a4
    mula_da_ldinc \lo, m0, a2, m0, a7
    .else
    mula_da_ldinc \lo, m1, a2, m0, a7
    add     a2, a2, a4
    mula_da_ldinc \hi, m0, a2, m1, a7
    .endif
    .endif
    rsr_acclo a12
    multiply_high a13, a12, a10, a14
    finish  \style, .Lpixel\@, .Lrow\@
    .endm

/* The same for any filter: a5 where its last load was, a6 pairs of taps, m2 its words. */
    .macro  many lo, hi, style
.Lrow\@:
    begin_row
.Lpixel\@:
    l32i    a5, sp, BEGIN_FILTER
    wsr_acclo a15
    loopgtz_ a6, .Ltaps\@
    ldinc_  m2, a5
    mula_dd_ldinc \lo, m1, a2, m0, m2
    mula_dd_ldinc \hi, m0, a2, m1, m2
.Ltaps\@:
    add     a2, a2, a4
    rsr_acclo a12
    ldinc_  m0, a2
    multiply_high a13, a12, a10, a14
    finish  \style, .Lpixel\@, .Lrow\@
    .endm

/* Both halves of x: a13 is 0 for the lower one. */
    .macro  both_halves of, style, is_spaced
    bnez    a13, .Lhigh\@
    .ifc    \of, many
    many    ll, lh, \style
    .else
    few     \of, ll, lh, \style, \is_spaced
    .endif
.Lhigh\@:
    .ifc    \of, many
    many    hl, hh, \style
    .else
    few     \of, hl, hh, \style, \is_spaced
    .endif
    .endm

#endif
