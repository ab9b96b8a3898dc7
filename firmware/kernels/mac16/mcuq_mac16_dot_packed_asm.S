/* Dot products of a tile with MAC16, filters of 2 or 4 bits per weight. See mcuq_mac16_dot_packed.h.
 *
 * Integers become int16 as they lie: one mask leaves the upper bits of both halves of a word, which are two weights, 2^12
 * or 2^14 times what they are; so are the sums, and `half` rounds accordingly. Indices need a table:
 * of pairs of weights, of which two indices are one index; or of levels, whose bytes become upper halves one by one. */
#include "mcuq_mac16_isa.h"

#if MCUQ_MAC16

#include "mcuq_mac16_dot_asm.h"

/* mcuq_mac16_dot_packed */
#define BITS      68
#define FORM      72
#define PAIRS     76
#define LEVELS    80
#define CODEBOOK  84
#define PER_GROUP 88

/* Locals, from sp, behind those of mcuq_mac16_dot_asm.h */
#define NEXT_CODEBOOK 88
#define SHIFT         92 /* of a codebook's number, to the bytes before its table */

/* Forms */
#define INTEGERS   0
#define BY_PAIRS   1
#define BY_LEVELS  2

/* Word i at a3 to the filter at a4; a5 is the mask, or the table. */
    .macro  integers_4 i
    l32i    a6, a3, 4 * \i
    slli    a7, a6, 12
    slli    a8, a6, 8
    slli    a11, a6, 4
    and     a7, a7, a5
    and     a8, a8, a5
    and     a11, a11, a5
    and     a6, a6, a5
    s32i    a7, a4, 16 * \i
    s32i    a8, a4, 16 * \i + 4
    s32i    a11, a4, 16 * \i + 8
    s32i    a6, a4, 16 * \i + 12
    .endm

    .macro  integers_2 i
    l32i    a6, a3, 4 * \i
    .irp    n, 0, 1, 2, 3, 4, 5, 6
    slli    a7, a6, 14 - 2 * \n
    and     a7, a7, a5
    s32i    a7, a4, 32 * \i + 4 * \n
    .endr
    and     a6, a6, a5
    s32i    a6, a4, 32 * \i + 28
    .endm

/* What two indices of pairs in a7 and a8 say. */
    .macro  two_pairs to
    addx4   a7, a7, a5
    addx4   a8, a8, a5
    l32i    a7, a7, 0
    l32i    a8, a8, 0
    s32i    a7, a4, \to
    s32i    a8, a4, \to + 4
    .endm

    .macro  pairs_4 i
    .irp    n, 0, 2
    l8ui    a7, a3, 4 * \i + \n
    l8ui    a8, a3, 4 * \i + \n + 1
    two_pairs 16 * \i + 4 * \n
    .endr
    .endm

    .macro  pairs_2 i
    l32i    a6, a3, 4 * \i
    .irp    n, 0, 2, 4, 6
    extui   a7, a6, 4 * \n, 4
    extui   a8, a6, 4 * \n + 4, 4
    two_pairs 32 * \i + 4 * \n
    .endr
    .endm

/* The level of the index in `count` bits of a6, from bit `first` on. */
    .macro  level first, count, to
    extui   a7, a6, \first, \count
    add     a7, a7, a5
    l8ui    a7, a7, 0
    s8i     a7, a4, \to
    .endm

    .macro  levels_4
    .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
    level   4 * \n, 4, 2 * \n + 1
    .endr
    .endm

    .macro  levels_2
    .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    level   2 * \n, 2, 2 * \n + 1
    .endr
    .endm

/* A filter of a9 words, `bytes` of it each. */
    .macro  by_levels word, bytes
    loopgtz_ a9, .Lfilter\@
    l32i    a6, a3, 0
    addi    a3, a3, 4
    \word
    addi    a4, a4, \bytes
.Lfilter\@:
    .endm

/* A filter: a9 blocks of 32 weights, a10 words, of which four or two are a block. */
    .macro  filter_4 word
    loopgtz_ a9, .Lblocks\@
    .irp    i, 0, 1, 2, 3
    \word   \i
    .endr
    addi    a3, a3, 16
    addi    a4, a4, 64
.Lblocks\@:
    loopgtz_ a10, .Lfilter\@
    \word   0
    addi    a3, a3, 4
    addi    a4, a4, 16
.Lfilter\@:
    .endm

    .macro  filter_2 word
    loopgtz_ a9, .Lblocks\@
    \word   0
    \word   1
    addi    a3, a3, 8
    addi    a4, a4, 64
.Lblocks\@:
    loopgtz_ a10, .Lfilter\@
    \word   0
    addi    a3, a3, 4
    addi    a4, a4, 32
.Lfilter\@:
    .endm

    function mcuq_mac16_dot_packed_tile, LOCALS
    begin_tile
    l32i    a3, a2, BITS
    l32i    a4, a2, TAPS
    l32i    a8, a2, FORM
    mull    a4, a4, a3
    addi    a4, a4, 31
    srli    a4, a4, 5
    srli    a9, a4, 2
    extui   a10, a4, 0, 2
    bbsi    a3, 2, .Lblocks
    srli    a9, a4, 1
    extui   a10, a4, 0, 1
.Lblocks:
    s32i    a9, sp, BLOCKS
    s32i    a10, sp, ONES
    l32i    a6, a2, CODEBOOK
    s32i    a6, sp, NEXT_CODEBOOK
    movi    a6, 64
    beqi    a8, BY_PAIRS, .Lpairs
    beqi    a8, BY_LEVELS, .Llevels
    movi    a7, 16
    sub     a7, a7, a3
    ssl     a7
    movi    a5, -1
    sll     a5, a5 /* the upper bits of an int16, and all beyond */
    slli    a7, a5, 16
    extui   a5, a5, 0, 16
    or      a5, a5, a7
    movi    a7, 8
    sub     a7, a7, a3
    ssl     a7
    sll     a6, a6
    j       .Lready
.Lpairs:
    l32i    a5, a2, PAIRS
    addx2   a3, a3, a8
    addi    a3, a3, 1 /* 2 * bits + 2 */
    j       .Lready
.Llevels:
    s32i    a4, sp, BLOCKS /* words */
    l32i    a5, a2, LEVELS
.Lready:
    s32i    a3, sp, SHIFT
    s32i    a5, sp, MASK
    s32i    a6, sp, HALF

.Lchannel:
    l32i    a2, sp, TILE
    l32i    a3, sp, NEXT_WEIGHTS
    l32i    a11, a2, FORM
    l32i    a12, a2, BITS
    l32i    a4, a2, FILTER
    l32i    a9, sp, BLOCKS
    l32i    a10, sp, ONES
    l32i    a5, sp, MASK
    addi    a12, a12, -4
    beqz    a11, .Lintegers

    l32i    a6, sp, NEXT_CODEBOOK
    l32i    a7, a2, PER_GROUP
    l32i    a8, sp, SHIFT
    add     a7, a6, a7
    s32i    a7, sp, NEXT_CODEBOOK
    l8ui    a6, a6, 0
    ssl     a8
    sll     a6, a6
    add     a5, a5, a6
    addi    a11, a11, -BY_PAIRS
    bnez    a11, .Lby_levels
    bnez    a12, .Lpairs_2
    filter_4 pairs_4
    j       .Lfilter
.Lpairs_2:
    filter_2 pairs_2
    j       .Lfilter
.Lby_levels:
    bnez    a12, .Llevels_2
    by_levels levels_4, 16
    j       .Lfilter
.Llevels_2:
    by_levels levels_2, 32
    j       .Lfilter
.Lintegers:
    bnez    a12, .Lintegers_2
    filter_4 integers_4
    j       .Lfilter
.Lintegers_2:
    filter_2 integers_2
.Lfilter:
    s32i    a3, sp, NEXT_WEIGHTS
    channel HALF
    next_channel .Lchannel
    return  LOCALS
    end_function mcuq_mac16_dot_packed_tile

#endif
