/* Depthwise outputs with weights of 1, 2 or 4 bits on the vector unit, which become bytes on their way, 16 channels side
 * by side. See mcuq_s3_depthwise_packed.h. */
#include "mcuq_s3_isa.h"

#if MCUQ_S3

#include "mcuq_s3_few_bits_asm.h"

/* Locals, from sp, behind those of mcuq_s3_window_asm.h */
#define WINDOW_ROWS 16
#define ROW_COLUMNS 20
#define EXCESS      24 /* where mask and excess are, from the constants on */
#define PER_VECTOR  28 /* columns of which a vector holds the weights: 8 of 1 bit, 4 or 2 */
#define LOCALS      32

/* The next 16 inputs times weights in q5. */
    .macro  inputs
    ee.ld.128.usar.xp q0, a3, a10
    ee.vld.128.xp q1, a3, a15
    ee.src.q q0, q0, q1
    ee.vmulas.s8.qacc q0, q5
    .endm

/* a3 input   a6 from behind the last column to the next row   a12 columns of a vector   a13 columns left   a14 rows left
 * a15 from behind the first of two loads to the next column */
    function mcuq_s3_depthwise_packed, LOCALS
    l32i    a5, a2, INPUT
    l32i    a6, a2, ROW_STEP
    l32i    a13, a2, COLUMNS
    l32i    a14, a2, ROWS
    l32i    a15, a2, COLUMN_STEP
    l32i    a3, a2, BITS
    s32i    a13, sp, ROW_COLUMNS
    s32i    a14, sp, WINDOW_ROWS
    mull    a14, a13, a15
    sub     a6, a6, a14
    addi    a15, a15, -16
    srli    a14, a3, 1
    movi    a13, 8
    ssr     a14
    srl     a13, a13
    s32i    a13, sp, PER_VECTOR
    find_levels a13, a3
    s32i    a13, sp, EXCESS
    begin_pixels

.Lpixel:
    begin_pixel

.Lgroup:
    begin   long
    load_levels EXCESS
    l32i    a14, sp, WINDOW_ROWS
    mov     a3, a5
.Lrow:
    l32i    a13, sp, ROW_COLUMNS
.Lvector:
    l32i    a12, sp, PER_VECTOR
    ee.vld.128.ip q4, a4, 16
    bbsi    a12, 3, .Lsigns
    min_    a12, a12, a13
    sub     a13, a13, a12
    loopgtz_ a12, .Lintegers
    integers q4
    inputs
    ee.vsr.32 q4, q4
.Lintegers:
    j       .Ltaken
.Lsigns:
    min_    a12, a12, a13
    sub     a13, a13, a12
    loopgtz_ a12, .Ltaken
    signs
    inputs
    ee.vsr.32 q4, q4
.Ltaken:
    bnez    a13, .Lvector
    add     a3, a3, a6
    addi    a14, a14, -1
    bnez    a14, .Lrow

    movi    a12, 0
    load_constants
    ee.vld.128.ip q4, a4, 16
    ee.vld.128.ip q5, a4, 16
    addi    a5, a5, 16
    finish  packed
    store_outputs
    bnez    a7, .Lgroup
    end_pixel .Lpixel
    return  LOCALS

    finish_others long, packed
    end_function mcuq_s3_depthwise_packed

#endif
