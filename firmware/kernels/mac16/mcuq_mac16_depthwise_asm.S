/* Depthwise windows of a tile with MAC16, channel by channel. See mcuq_mac16_depthwise.h and mcuq_mac16_depthwise_asm.h. */
#include "mcuq_mac16_isa.h"

#if MCUQ_MAC16

#include "mcuq_mac16_depthwise_asm.h"

    function mcuq_mac16_depthwise_tile, LOCALS
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
    return  LOCALS

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
    end_function mcuq_mac16_depthwise_tile

#endif
