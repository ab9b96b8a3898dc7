/* Depthwise outputs on the vector unit, 16 channels side by side. See mcuq_s3_depthwise.h. */
#include "mcuq_s3_isa.h"

#if MCUQ_S3

#include "mcuq_s3_window_asm.h"

/* Locals, from sp, behind those of mcuq_s3_window_asm.h */
#define THREES       16 /* rows, where they are three aligned vectors; else 0 */
#define ROWS_OF_ANY  20
#define ROW_COLUMNS  24
#define IS_UNALIGNED 28
#define LOCALS       32

/* a3 input   a14 rows   a15 from column to column; a6 from behind the last column but of threes from the last one */
    .macro  depthwise may_be, name
    l32i    a5, a2, INPUT
    l32i    a6, a2, ROW_STEP
    l32i    a13, a2, COLUMNS
    l32i    a14, a2, ROWS
    l32i    a15, a2, COLUMN_STEP
    l32i    a3, a2, INPUT_STEP
    s32i    a13, sp, ROW_COLUMNS
    s32i    a14, sp, ROWS_OF_ANY
    s32i    a14, sp, THREES
    mull    a14, a13, a15
    sub     a6, a6, a14
    or      a3, a3, a5
    or      a3, a3, a15
    add     a14, a6, a14 /* the row's step */
    or      a3, a3, a14
    extui   a3, a3, 0, 4
    s32i    a3, sp, IS_UNALIGNED
    addi    a14, a13, -3
    or      a14, a14, a3
    beqz    a14, .Lthrees\@
    movi    a14, 0
    s32i    a14, sp, THREES
    beqz    a3, .Lbegin\@
    addi    a15, a15, -16 /* behind the first of two loads */
    j       .Lbegin\@
.Lthrees\@:
    add     a6, a6, a15
.Lbegin\@:
    begin_pixels

.Lpixel\@:
    begin_pixel

.Lgroup\@:
    begin   \may_be
    l32i    a14, sp, THREES
    ee.vld.128.ip q4, a4, 16
    mov     a3, a5
    loopgtz_ a14, .Ltaken\@
    ee.vld.128.xp q0, a3, a15
    ee.vmulas.s8.qacc.ld.ip q4, a4, 16, q0, q4
    ee.vld.128.xp q0, a3, a15
    ee.vmulas.s8.qacc.ld.ip q4, a4, 16, q0, q4
    ee.vld.128.xp q0, a3, a6
    ee.vmulas.s8.qacc.ld.ip q4, a4, 16, q0, q4
.Ltaken\@:
    beqz    a14, .Lany\@
.Lsummed\@:
    ee.vld.128.ip q5, a4, 16
    addi    a5, a5, 16
    finish  \name
    store_outputs
    bnez    a7, .Lgroup\@
    end_pixel .Lpixel\@
    return  LOCALS

.Lany\@:
    l32i    a13, sp, IS_UNALIGNED
    l32i    a14, sp, ROWS_OF_ANY
    bnez    a13, .Lunaligned\@
.Lrow\@:
    l32i    a13, sp, ROW_COLUMNS
    loopgtz_ a13, .Lcolumn\@
    ee.vld.128.xp q0, a3, a15
    ee.vmulas.s8.qacc.ld.ip q4, a4, 16, q0, q4
.Lcolumn\@:
    add     a3, a3, a6
    addi    a14, a14, -1
    bnez    a14, .Lrow\@
    j       .Lsummed\@
.Lunaligned\@:
    l32i    a13, sp, ROW_COLUMNS
    loopgtz_ a13, .Lcolumn_unaligned\@
    ee.ld.128.usar.xp q0, a3, a10
    ee.vld.128.xp q1, a3, a15
    ee.src.q q0, q0, q1
    ee.vmulas.s8.qacc.ld.ip q4, a4, 16, q0, q4
.Lcolumn_unaligned\@:
    add     a3, a3, a6
    addi    a14, a14, -1
    bnez    a14, .Lunaligned\@
    j       .Lsummed\@

    finish_others \may_be, \name
    .endm

    function mcuq_s3_depthwise_short, LOCALS
    depthwise short, short
    end_function mcuq_s3_depthwise_short

    function mcuq_s3_depthwise_long, LOCALS
    depthwise long, long
    end_function mcuq_s3_depthwise_long

#endif
