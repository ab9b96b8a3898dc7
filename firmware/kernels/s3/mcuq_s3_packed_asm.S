/* Dot products of windows with weights of 1, 2 or 4 bits on the vector unit, which become bytes on their way, 16 filters
 * side by side. See mcuq_s3_packed.h. */
#include "mcuq_s3_isa.h"

#if MCUQ_S3

#include "mcuq_s3_few_bits_asm.h"

/* Locals, from sp, behind those of mcuq_s3_window_asm.h */
#define WINDOW_ROWS 16
#define PART_BLOCKS 20
#define ROW_PARTS   24
#define PARTS_LEFT  28
#define EXCESS      32 /* where mask and excess are, from the constants on */
#define LOCALS      48

/* Weights times an input, and the next vector of them. */
    .macro  integers_tap from, tap
    integers \from
    ee.vsmulas.s8.qacc q5, q2, \tap
    .endm
    .macro  integers_load from, tap
    integers \from
    ee.vsmulas.s8.qacc.ld.incp q4, a4, q5, q2, \tap
    .endm

/* Two weights of 4 bits in every byte of q4, then the next vector there. */
    .macro  two_taps first, second
    integers_tap q4, \first
    ee.vsr.32 q5, q4
    integers_load q5, \second
    .endm

/* Four weights of 2 bits. */
    .macro  four_taps first, second, third, last
    integers_tap q4, \first
    ee.vsr.32 q4, q4
    integers_tap q4, \second
    ee.vsr.32 q4, q4
    integers_tap q4, \third
    ee.vsr.32 q4, q4
    integers_load q4, \last
    .endm

/* Weights of 1 bit. */
    .macro  sign_tap tap
    signs
    ee.vsmulas.s8.qacc q5, q2, \tap
    ee.vsr.32 q4, q4
    .endm
    .macro  sign_load tap
    signs
    ee.vsmulas.s8.qacc.ld.incp q4, a4, q5, q2, \tap
    .endm

/* The next 16 inputs to q2. */
    .macro  sixteen_inputs
    ee.vld.128.ip q1, a3, 16
    ee.src.q.qup q2, q0, q1
    .endm

/* a3 input   a14 rows left   a15 bits of a weight, as SAR is   q4 weights, one vector ahead */
    function mcuq_s3_packed_all, LOCALS
    l32i    a3, a2, BLOCKS
    l32i    a5, a2, INPUT
    l32i    a6, a2, ROW_STEP
    l32i    a13, a2, PARTS
    l32i    a14, a2, ROWS
    l32i    a15, a2, BITS
    s32i    a3, sp, PART_BLOCKS
    s32i    a13, sp, ROW_PARTS
    s32i    a14, sp, WINDOW_ROWS
    mull    a13, a13, a3
    slli    a13, a13, 4
    sub     a6, a6, a13
    addi    a6, a6, -16
    find_levels a13, a15
    s32i    a13, sp, EXCESS
    begin_pixels

.Lpixel:
    begin_pixel

.Lgroup:
    begin   long
    load_levels EXCESS
    l32i    a14, sp, WINDOW_ROWS
    ee.vld.128.ip q4, a4, 16
    mov     a3, a5
.Lrow:
    l32i    a13, sp, ROW_PARTS
    ee.ld.128.usar.ip q0, a3, 16
    s32i    a13, sp, PARTS_LEFT
.Lpart:
    l32i    a13, sp, PART_BLOCKS
    bbci    a15, 2, .Lfew_bits
    j       .Lfour_bits
.Lfew_bits:
    bbci    a15, 1, .Lsigns
    j       .Ltwo_bits
.Lsigns:
    loopgtz_ a13, .Lsigns_taken
    sixteen_inputs
    sign_tap 0
    sign_tap 1
    sign_tap 2
    sign_tap 3
    sign_tap 4
    sign_tap 5
    sign_tap 6
    sign_load 7
    sign_tap 8
    sign_tap 9
    sign_tap 10
    sign_tap 11
    sign_tap 12
    sign_tap 13
    sign_tap 14
    sign_load 15
.Lsigns_taken:
    j       .Lpart_end
.Ltwo_bits:
    loopgtz_ a13, .Ltwo_taken
    sixteen_inputs
    four_taps 0, 1, 2, 3
    four_taps 4, 5, 6, 7
    four_taps 8, 9, 10, 11
    four_taps 12, 13, 14, 15
.Ltwo_taken:
    j       .Lpart_end
.Lfour_bits:
    loopgtz_ a13, .Lpart_end
    sixteen_inputs
    two_taps 0, 1
    two_taps 2, 3
    two_taps 4, 5
    two_taps 6, 7
    two_taps 8, 9
    two_taps 10, 11
    two_taps 12, 13
    two_taps 14, 15
.Lpart_end:
    l32i    a13, sp, PARTS_LEFT
    addi    a13, a13, -1
    s32i    a13, sp, PARTS_LEFT
    beqz    a13, .Lrow_end
    cut_if_long
    j       .Lpart
.Lrow_end:
    add     a3, a3, a6
    addi    a14, a14, -1
    beqz    a14, .Lsummed
    cut_if_long
    j       .Lrow
.Lsummed:
    load_constants
    ee.vld.128.ip q5, a4, 16
    finish  packed
    store_outputs
    bnez    a7, .Lto_group
    end_pixel .Lto_pixel
    return  LOCALS
.Lto_group:
    j       .Lgroup
.Lto_pixel:
    j       .Lpixel

    finish_others long, packed
    end_function mcuq_s3_packed_all

#endif
