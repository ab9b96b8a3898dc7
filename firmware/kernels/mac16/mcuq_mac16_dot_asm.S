/* Dot products of a tile with MAC16: one instruction per tap and pixel. See mcuq_mac16_dot.h.
 *
 * Filter by filter: its weights become int16 in the workspace once, then every pixel of the tile runs over them. A word
 * of weights b3 b2 b1 b0 becomes the pairs (b0, b2) and (b1, b3) times 256, two instructions each; x lies in the same
 * order. */
#include "mcuq_mac16_isa.h"

#if MCUQ_MAC16

#include "mcuq_mac16_dot_asm.h"

/* Four weights at a3 + 4 * i to eight bytes at a4 + 8 * i; a5 is the mask. */
    .macro  widen i
    l32i    a6, a3, 4 * \i
    slli    a7, a6, 8
    and     a6, a6, a5
    and     a7, a7, a5
    s32i    a6, a4, 8 * \i + 4
    s32i    a7, a4, 8 * \i
    .endm

    function mcuq_mac16_dot_tile, LOCALS
    begin_tile
    l32i    a5, a2, TAPS
    srli    a6, a5, 5
    extui   a5, a5, 2, 3
    s32i    a6, sp, BLOCKS
    s32i    a5, sp, ONES
    movi    a5, 255
    slli    a5, a5, 8
    slli    a6, a5, 16
    or      a5, a5, a6
    s32i    a5, sp, MASK

.Lchannel:
    l32i    a2, sp, TILE
    l32i    a3, sp, NEXT_WEIGHTS
    l32i    a4, a2, FILTER
    l32i    a9, sp, BLOCKS
    l32i    a10, sp, ONES
    l32i    a5, sp, MASK
    loopgtz_ a9, .Lrest
    .irp    i, 0, 1, 2, 3, 4, 5, 6, 7
    widen   \i
    .endr
    addi    a3, a3, 32
    addi    a4, a4, 64
.Lrest:
    loopgtz_ a10, .Lwidened
    widen   0
    addi    a3, a3, 4
    addi    a4, a4, 8
.Lwidened:
    s32i    a3, sp, NEXT_WEIGHTS
    channel
    next_channel .Lchannel
    return  LOCALS
    end_function mcuq_mac16_dot_tile

#endif
