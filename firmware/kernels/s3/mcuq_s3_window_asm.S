/* Dot products of windows with all filters on the vector unit, 16 filters side by side: of every tap its input byte times
 * 16 weights, one instruction, which loads the weights of the tap after next besides. See mcuq_s3_window.h. */
#include "mcuq_s3_isa.h"

#if MCUQ_S3

#include "mcuq_s3_window_asm.h"

/* Locals, from sp, behind those of mcuq_s3_window_asm.h */
#define WINDOW_ROWS  16
#define PART_BLOCKS  20
#define ROW_PARTS    24
#define PARTS_LEFT   28
#define BACK         32 /* to the vector that ends with the rest's taps; 0 where there is none */
#define LOCALS       48

/* q2 times the weights from a4 on, of which the first two vectors are in q4 and q5, as are the first two behind. */
    .macro  sixteen_taps
    ee.vsmulas.s8.qacc.ld.incp q4, a4, q4, q2, 0
    ee.vsmulas.s8.qacc.ld.incp q5, a4, q5, q2, 1
    ee.vsmulas.s8.qacc.ld.incp q4, a4, q4, q2, 2
    ee.vsmulas.s8.qacc.ld.incp q5, a4, q5, q2, 3
    ee.vsmulas.s8.qacc.ld.incp q4, a4, q4, q2, 4
    ee.vsmulas.s8.qacc.ld.incp q5, a4, q5, q2, 5
    ee.vsmulas.s8.qacc.ld.incp q4, a4, q4, q2, 6
    ee.vsmulas.s8.qacc.ld.incp q5, a4, q5, q2, 7
    ee.vsmulas.s8.qacc.ld.incp q4, a4, q4, q2, 8
    ee.vsmulas.s8.qacc.ld.incp q5, a4, q5, q2, 9
    ee.vsmulas.s8.qacc.ld.incp q4, a4, q4, q2, 10
    ee.vsmulas.s8.qacc.ld.incp q5, a4, q5, q2, 11
    ee.vsmulas.s8.qacc.ld.incp q4, a4, q4, q2, 12
    ee.vsmulas.s8.qacc.ld.incp q5, a4, q5, q2, 13
    ee.vsmulas.s8.qacc.ld.incp q4, a4, q4, q2, 14
    ee.vsmulas.s8.qacc.ld.incp q5, a4, q5, q2, 15
    .endm

/* a3 input   a14 rows left where rows have blocks, else 0   a15 the first of a rest's taps among sixteen: of 4 bytes each */
    .macro  windows may_be, name
    mov     a15, a0
    j       .Lwhere\@
    .align  4
.Lhere\@:
    l32i    a13, a2, REST
    l32i    a3, a2, BLOCKS
    movi    a14, 16
    sub     a14, a14, a13
    addx4   a14, a14, a0
    mov     a0, a15
    mov     a15, a14
    l32i    a5, a2, INPUT
    l32i    a6, a2, ROW_STEP
    l32i    a14, a2, ROWS
    s32i    a3, sp, PART_BLOCKS
    s32i    a14, sp, WINDOW_ROWS
    bnez    a3, .Lblocks\@
    add     a5, a5, a13 /* a vector that ends with the row */
    addi    a5, a5, -16
    addi    a6, a6, -16
    j       .Lbegin\@
.Lblocks\@:
    l32i    a14, a2, PARTS
    s32i    a14, sp, ROW_PARTS
    mull    a14, a14, a3
    slli    a14, a14, 4
    sub     a6, a6, a14
    addi    a14, a13, -32
    sub     a6, a6, a13
    moveqz  a14, a13, a13
    s32i    a14, sp, BACK
    bnez    a13, .Lbegin\@
    addi    a6, a6, -16
.Lbegin\@:
    begin_pixels

.Lpixel\@:
    begin_pixel

.Lgroup\@:
    begin   \may_be
    ee.vld.128.ip q4, a4, 16
    ee.vld.128.ip q5, a4, 16
    mov     a3, a5
    l32i    a14, sp, PART_BLOCKS
    l32i    a13, sp, WINDOW_ROWS
    bnez    a14, .Llong\@
    loopgtz_ a13, .Ltaken\@
    ee.ld.128.usar.xp q0, a3, a10
    ee.vld.128.xp q1, a3, a6
    ee.src.q q2, q0, q1
    jx      a15
.Lwhere\@:
    call0   .Lhere\@
    sixteen_taps
.Ltaken\@:
    bnez    a14, .Lrow_end\@
.Lsummed\@:
    finish  \name
    store_outputs
    bnez    a7, .Lgroup\@
    end_pixel .Lpixel\@
    return  LOCALS

.Llong\@:
    mov     a14, a13
.Lrow\@:
    .ifc    \may_be, long
    l32i    a13, sp, ROW_PARTS
    s32i    a13, sp, PARTS_LEFT
    .endif
    ee.ld.128.usar.ip q0, a3, 16
.Lpart\@:
    l32i    a13, sp, PART_BLOCKS
    loopgtz_ a13, .Lblock\@
    ee.vld.128.ip q1, a3, 16
    ee.src.q.qup q2, q0, q1
    sixteen_taps
.Lblock\@:
    .ifc    \may_be, long
    l32i    a13, sp, PARTS_LEFT
    addi    a13, a13, -1
    s32i    a13, sp, PARTS_LEFT
    beqz    a13, .Lrest\@
    cut_if_long
    j       .Lpart\@
    .endif
.Lrest\@:
    l32i    a13, sp, BACK
    beqz    a13, .Lrow_end\@
    add     a3, a3, a13
    ee.ld.128.usar.ip q0, a3, 16
    ee.vld.128.ip q1, a3, 0
    ee.src.q q2, q0, q1
    jx      a15
.Lrow_end\@:
    add     a3, a3, a6
    addi    a14, a14, -1
    .ifc    \may_be, long
    beqz    a14, .Lsummed\@
    cut_if_long
    j       .Lrow\@
    .else
    bnez    a14, .Lrow\@
    j       .Lsummed\@
    .endif

    finish_others \may_be, \name
    .endm

    function mcuq_s3_window_short, LOCALS
    windows short, short
    end_function mcuq_s3_window_short

    function mcuq_s3_window_long, LOCALS
    windows long, long
    end_function mcuq_s3_window_long

#endif
