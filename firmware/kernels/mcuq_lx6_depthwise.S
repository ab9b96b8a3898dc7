/* Depthwise windows of a tile with MAC16. See mcuq_lx6_depthwise.h.
 *
 * Channel by channel: two taps of its filter lie in a word, as int16 times 256. Those of 3x3 stay in registers, so that
 * nine instructions do the nine taps, their loads included; other filters come from the workspace, three instructions
 * for two taps. Which half of x is multiplied is part of the instruction: hence the copies of the code. */
#include "mcuq_lx6_isa.h"

#if MCUQ_LX6

#include "mcuq_lx6_asm.h"

/* mcuq_lx6_depthwise */
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

/* Locals, from sp, behind those of mcuq_lx6_asm.h */
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

    .begin  no-transform
    function mcuq_lx6_depthwise_tile, LOCALS
    s32i    a2, sp, TILE
    l32i    a10, a2, MIN
    l32i    a11, a2, MAX
    l32i    a12, a2, ZERO_POINT
    mov     a13, a12
    prepare_style a10, a11, a12, a14
    addx2   a13, a13, a14
    s32i    a13, sp, ODD
    l32i    a3, a2, FILTER_H
    l32i    a4, a2, FILTER_W
    l32i    a5, a2, COLUMN
    l32i    a6, a2, FILTER
    mull    a7, a3, a4 /* taps */
    addi    a8, a7, 1
    srli    a8, a8, 1
    s32i    a8, sp, PAIRS
    addi    a6, a6, -4
    s32i    a6, sp, BEGIN_FILTER
    l32i    a9, a2, STEP
    l32i    a10, a2, PIXELS
    l32i    a11, a2, X
    mull    a10, a10, a9
    addi    a10, a10, 4
    s32i    a10, sp, SPAN
    addi    a11, a11, -4
    s32i    a11, sp, BEGIN_X
    movi    a12, 8
    s32i    a12, sp, SHIFT
    movi    a12, 0
    s32i    a12, sp, CHANNEL

    /* Shape and jump: from the last word of a window to before the next */
    addi    a6, a7, -9
    addi    a3, a3, -3
    or      a6, a6, a3
    bnez    a6, .Lnot_nine
    movi    a13, DENSE_NINE
    addi    a5, a5, -12
    s32i    a5, sp, COLUMN_JUMP
    slli    a6, a5, 1
    sub     a9, a9, a6
    addi    a9, a9, -36
    beqz    a5, .Lshape
    movi    a13, SPACED_NINE
    j       .Lshape
.Lnot_nine:
    movi    a13, UP_TO_SIX
    addi    a6, a9, -24
    blti    a7, 7, .Lfew
    movi    a13, UP_TO_TEN
    addi    a6, a9, -40
    addi    a7, a7, -10
    blti    a7, 1, .Lfew
    movi    a13, ANY
    slli    a8, a8, 3
    sub     a6, a9, a8
    addi    a6, a6, -4
.Lfew:
    mov     a9, a6
.Lshape:
    s32i    a13, sp, SHAPE
    s32i    a9, sp, JUMP
    movi    a5, 255
    slli    a5, a5, 8
    slli    a6, a5, 16
    or      a5, a5, a6
    s32i    a5, sp, MASK

.Lchannel: /* a2 is the tile */
    /* Its weights: the bytes of an odd channel are in place, those of an even one 8 bits lower. */
    l32i    a13, sp, SHIFT
    l32i    a3, a2, WEIGHTS
    l32i    a12, sp, SHAPE
    l32i    a14, sp, MASK
    l32i    a15, sp, PAIRS
    ssl     a13
    bbsi    a12, 2, .Lspread
    movi    a8, 0
    movi    a5, 0
    movi    a6, 0
    movi    a7, 0
    l32i    a4, a3, 0
    blti    a15, 2, .Lloaded
    l32i    a8, a3, 4
    blti    a15, 3, .Lloaded
    l32i    a5, a3, 8
    blti    a15, 4, .Lloaded
    l32i    a6, a3, 12
    blti    a15, 5, .Lloaded
    l32i    a7, a3, 16
.Lloaded:
    sll     a4, a4
    sll     a8, a8
    sll     a5, a5
    sll     a6, a6
    sll     a7, a7
    and     a4, a4, a14
    and     a8, a8, a14
    and     a5, a5, a14
    and     a6, a6, a14
    and     a7, a7, a14
    wsr_m   m2, a4
    wsr_m   m3, a8
    addx4   a3, a15, a3
    j       .Lparameters
.Lspread:
    l32i    a4, a2, FILTER
    loopgtz_ a15, .Lparameters
    l32i    a5, a3, 0
    addi    a3, a3, 4
    sll     a5, a5
    and     a5, a5, a14
    s32i    a5, a4, 0
    addi    a4, a4, 4

.Lparameters:
    bnez    a13, .Leven
    s32i    a3, a2, WEIGHTS /* behind both channels that lie there together */
.Leven:
    l32i    a8, a2, BIAS
    l32i    a9, a2, MULTIPLIER
    l32i    a3, a2, PER_CHANNEL
    l32i    a15, a8, 0
    l32i    a10, a9, 0
    addi    a8, a8, 4
    addx4   a9, a3, a9
    s32i    a8, a2, BIAS
    s32i    a9, a2, MULTIPLIER
    l32i    a13, sp, ODD
    prepare_channel a15, a11, a13, a12
    prepare_multiplier a10, a12

    l32i    a12, a2, ROWS
    l32i    a8, a2, OUTPUT
    l32i    a9, a2, OUTPUT_STEP
    s32i    a12, sp, ROWS_LEFT
    addi    a12, a8, 1
    s32i    a12, a2, OUTPUT
    l32i    a12, sp, SHAPE
    l32i    a13, sp, CHANNEL
    l32i    a14, sp, STYLE
    l32i    a4, sp, JUMP
    l32i    a2, sp, BEGIN_X
    addi    a3, a11, -128
    s32i    a3, sp, NEGATIVE
    srli    a13, a13, 1
    s32i    a2, sp, ROW
    addi    a3, a12, -UP_TO_SIX
    bgez    a3, .Lnot_three
    bnez    a14, .Lnine_signed
    bnez    a12, .Lspaced
    both_halves 9, PLAIN, 0
.Lspaced:
    both_halves 9, PLAIN, 1
.Lnine_signed: /* spaced or dense */
    srli    a14, a14, 1
    bnez    a14, .Lnine_limited
    both_halves 9, SIGNED, 1
.Lnine_limited:
    both_halves 9, LIMITED, 1

.Lnext: /* x of the channel: first plane, second plane, twice */
    l32i    a2, sp, TILE
    l32i    a15, sp, CHANNEL
    l32i    a3, a2, CHANNELS
    l32i    a4, sp, SHIFT
    l32i    a5, a2, PLANE
    l32i    a6, sp, BEGIN_X
    addi    a15, a15, 1
    movi    a7, 8
    s32i    a15, sp, CHANNEL
    beq     a15, a3, .Ldone
    sub     a4, a7, a4
    neg     a7, a5
    movnez  a5, a7, a4
    s32i    a4, sp, SHIFT
    add     a6, a6, a5
    s32i    a6, sp, BEGIN_X
    j       .Lchannel
.Ldone:
    return  mcuq_lx6_depthwise_tile, LOCALS

.Lnot_three:
    addi    a3, a12, -UP_TO_TEN
    srli    a14, a14, 1 /* 1: limited */
    bgez    a3, .Lnot_six
    bnez    a14, .Lsix_limited
    both_halves 6, SIGNED, 0
.Lsix_limited:
    both_halves 6, LIMITED, 0
.Lnot_six:
    bnez    a3, .Lmany
    bnez    a14, .Lten_limited
    both_halves 10, SIGNED, 0
.Lten_limited:
    both_halves 10, LIMITED, 0
.Lmany:
    l32i    a6, sp, PAIRS
    bnez    a14, .Lmany_limited
    both_halves many, SIGNED, 0
.Lmany_limited:
    both_halves many, LIMITED, 0
    .end    no-transform

#endif
