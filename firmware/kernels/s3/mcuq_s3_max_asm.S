/* Largest values on the vector unit, 16 channels side by side. See mcuq_s3_max.h. */
#include "mcuq_s3_isa.h"

#if MCUQ_S3

#include "mcuq_s3_window_asm.h"

/* Locals, from sp, behind those of mcuq_s3_window_asm.h */
#define WINDOW_ROWS 16
#define ROW_COLUMNS 20
#define LOCALS      32

/* a3 input   a4 columns   a6 from behind the last column to the next row   a14 rows left   a15 from behind the first of
 * two loads to the next column   q6, q7 limits */
    function mcuq_s3_max_all, LOCALS
    l32i    a4, a2, COLUMNS
    l32i    a5, a2, INPUT
    l32i    a6, a2, ROW_STEP
    l32i    a14, a2, ROWS
    l32i    a15, a2, COLUMN_STEP
    s32i    a4, sp, ROW_COLUMNS
    s32i    a14, sp, WINDOW_ROWS
    mull    a13, a4, a15
    sub     a6, a6, a13
    addi    a15, a15, -16
    begin_pixels
    addi    a13, a9, LIMITS
    ee.vldbc.8.ip q6, a13, 1
    ee.vldbc.8 q7, a13

.Lpixel:
    begin_pixel
.Lgroup:
    l32i    a4, sp, ROW_COLUMNS
    l32i    a14, sp, WINDOW_ROWS
    mv.qr   q1, q6
    mov     a3, a5
.Lrow:
    loopgtz_ a4, .Lcolumn
    ee.ld.128.usar.xp q0, a3, a10
    ee.vld.128.xp q2, a3, a15
    ee.src.q q0, q0, q2
    ee.vmax.s8 q1, q1, q0
.Lcolumn:
    add     a3, a3, a6
    addi    a14, a14, -1
    bnez    a14, .Lrow
    ee.vmin.s8 q1, q1, q7
    addi    a5, a5, 16
    store_outputs
    bnez    a7, .Lgroup
    end_pixel .Lpixel
    return  LOCALS
    end_function mcuq_s3_max_all

#endif
