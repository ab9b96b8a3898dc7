/* What the cores over windows share: the members of mcuq_s3_window, locals, and the loop over pixels.
 *
 * Registers beside those of mcuq_s3_lanes_asm.h: a5 the window's input, a6 from the end of a row to the next one, a7
 * groups left. */
#ifndef MCUQ_S3_WINDOW_ASM_H
#define MCUQ_S3_WINDOW_ASM_H
/* clang-format off */

#include "mcuq_s3_finish_asm.h"

/* mcuq_s3_window */
#define INPUT       0
#define OUTPUT      4
#define RECORDS     8
#define GROUPS      12
#define PIXELS      16
#define INPUT_STEP  20
#define ROWS        24
#define ROW_STEP    28
#define COLUMNS     32
#define COLUMN_STEP 36
#define PARTS       40
#define BLOCKS      44
#define REST        48
#define SCRATCH     52
#define CONSTANTS   56
#define BITS        60

/* Locals, from sp */
#define WINDOW      0
#define NEXT_INPUT  4
#define PIXELS_LEFT 8
#define NEXT_OUTPUT 12

/* From a2 to the locals, with the input in a5; a13 and a14 are lost. */
    .macro  begin_pixels
    l32i    a9, a2, SCRATCH
    l32i    a13, a2, PIXELS
    l32i    a14, a2, OUTPUT
    s32i    a2, sp, WINDOW
    s32i    a5, sp, NEXT_INPUT
    s32i    a13, sp, PIXELS_LEFT
    s32i    a14, sp, NEXT_OUTPUT
    l32i    a2, a2, CONSTANTS
    prepare
    .endm

    .macro  begin_pixel
    l32i    a13, sp, WINDOW
    l32i    a5, sp, NEXT_INPUT
    l32i    a14, a13, INPUT_STEP
    l32i    a4, a13, RECORDS
    l32i    a7, a13, GROUPS
    add     a14, a14, a5
    s32i    a14, sp, NEXT_INPUT
    .endm

    .macro  store_outputs
    l32i    a13, sp, NEXT_OUTPUT
    addi    a7, a7, -1
    ee.vst.128.ip q1, a13, 16
    s32i    a13, sp, NEXT_OUTPUT
    .endm

    .macro  end_pixel next
    l32i    a13, sp, PIXELS_LEFT
    addi    a13, a13, -1
    s32i    a13, sp, PIXELS_LEFT
    bnez    a13, \next
    .endm

#endif
