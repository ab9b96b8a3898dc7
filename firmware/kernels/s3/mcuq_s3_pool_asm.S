/* Averages and largest values of one window on the vector unit, 16 channels side by side. See mcuq_s3_pool.h. */
#include "mcuq_s3_isa.h"

#if MCUQ_S3

#include "mcuq_s3_finish_asm.h"

/* mcuq_s3_pool */
#define INPUT       0
#define OUTPUT      4
#define RECORD      8
#define GROUPS      12
#define ROWS        16
#define COLUMNS     20
#define ROW_STEP    24
#define COLUMN_STEP 28
#define SCRATCH     32
#define CONSTANTS   36

/* Locals, from sp */
#define WINDOW_ROWS  0
#define NEXT_COLUMNS 4 /* but one */
#define POOL_RECORD  8
#define NEXT_OUTPUT  12
#define LOCALS       16

/* a3 input   a5 the window's input   a6 from the end of a row to the next one   a7 groups left   a14 rows left   a15 from
 * pixel to pixel; the columns but one go to `columns` */
    .macro  begin_window columns
    l32i    a5, a2, INPUT
    l32i    a7, a2, GROUPS
    l32i    a14, a2, ROWS
    l32i    \columns, a2, COLUMNS
    l32i    a6, a2, ROW_STEP
    l32i    a15, a2, COLUMN_STEP
    l32i    a9, a2, SCRATCH
    s32i    a14, sp, WINDOW_ROWS
    mull    a13, \columns, a15
    addi    \columns, \columns, -1
    sub     a6, a6, a13
    .endm

    function mcuq_s3_pool_average, LOCALS
    begin_window a8
    l32i    a13, a2, RECORD
    l32i    a14, a2, OUTPUT
    l32i    a2, a2, CONSTANTS
    s32i    a13, sp, POOL_RECORD
    s32i    a14, sp, NEXT_OUTPUT
    s32i    a8, sp, NEXT_COLUMNS
    prepare

.Laverage_group:
    l32i    a4, sp, POOL_RECORD
    l32i    a14, sp, WINDOW_ROWS
    begin   short
    ee.vldbc.8 q1, a2 /* 1 */
    ee.vld.128.ip q4, a4, 16
    ee.vld.128.ip q5, a4, 16
    mov     a3, a5
.Laverage_row:
    l32i    a13, sp, NEXT_COLUMNS
    ee.vld.128.xp q0, a3, a15
    loopgtz_ a13, .Laverage_summed
    ee.vmulas.s8.qacc.ld.xp q0, a3, a15, q0, q1
.Laverage_summed:
    ee.vmulas.s8.qacc q0, q1
    add     a3, a3, a6
    addi    a14, a14, -1
    bnez    a14, .Laverage_row
    finish  average
    l32i    a13, sp, NEXT_OUTPUT
    addi    a5, a5, 16
    addi    a7, a7, -1
    ee.vst.128.ip q1, a13, 16
    s32i    a13, sp, NEXT_OUTPUT
    bnez    a7, .Laverage_group
    return  LOCALS

    finish_others short, average
    end_function mcuq_s3_pool_average

/* a4 columns but one   a10 output   q2, q3 limits */
    function mcuq_s3_pool_max, LOCALS
    begin_window a4
    l32i    a10, a2, OUTPUT
    addi    a13, a9, LIMITS
    ee.vldbc.8.ip q2, a13, 1
    ee.vldbc.8 q3, a13
.Lmax_group:
    l32i    a14, sp, WINDOW_ROWS
    mv.qr   q1, q2
    mov     a3, a5
.Lmax_row:
    ee.vld.128.xp q0, a3, a15
    loopgtz_ a4, .Lmax_found
    ee.vmax.s8 q1, q1, q0
    ee.vld.128.xp q0, a3, a15
.Lmax_found:
    ee.vmax.s8 q1, q1, q0
    add     a3, a3, a6
    addi    a14, a14, -1
    bnez    a14, .Lmax_row
    ee.vmin.s8 q1, q1, q3
    addi    a5, a5, 16
    addi    a7, a7, -1
    ee.vst.128.ip q1, a10, 16
    bnez    a7, .Lmax_group
    return  LOCALS
    end_function mcuq_s3_pool_max

#endif
