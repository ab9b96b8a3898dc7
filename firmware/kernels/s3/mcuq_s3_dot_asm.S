/* Dot products of a pixel with all filters on the vector unit, 16 filters side by side: of every tap its input byte times
 * 16 weights, one instruction, which loads the weights of the tap after next besides. See mcuq_s3_dot.h. */
#include "mcuq_s3_isa.h"

#if MCUQ_S3

#include "mcuq_s3_finish_asm.h"

/* mcuq_s3_dot */
#define INPUT      0
#define OUTPUT     4
#define RECORDS    8
#define TAPS       12
#define GROUPS     16
#define PIXELS     20
#define INPUT_STEP 24
#define SCRATCH    28
#define CONSTANTS  32

/* Locals, from sp */
#define DOT         0
#define NEXT_INPUT  4
#define PIXELS_LEFT 8
#define LOCALS      16

/* a5 blocks of 16 taps   a6 output   a7 groups left */
    function mcuq_s3_dot_all, LOCALS
    s32i    a2, sp, DOT
    l32i    a3, a2, INPUT
    l32i    a5, a2, TAPS
    l32i    a6, a2, OUTPUT
    l32i    a7, a2, PIXELS
    l32i    a9, a2, SCRATCH
    s32i    a3, sp, NEXT_INPUT
    s32i    a7, sp, PIXELS_LEFT
    srli    a5, a5, 4
    l32i    a2, a2, CONSTANTS
    prepare

.Lpixel:
    l32i    a13, sp, DOT
    l32i    a3, sp, NEXT_INPUT
    l32i    a15, a13, INPUT_STEP
    l32i    a4, a13, RECORDS
    l32i    a7, a13, GROUPS
    add     a15, a15, a3
    s32i    a15, sp, NEXT_INPUT
    addi    a13, a9, PIXEL
    loopgtz_ a5, .Lcopied
    ee.vld.128.ip q0, a3, 16
    ee.vst.128.ip q0, a13, 16
.Lcopied:

.Lgroup:
    begin   short
    ee.vld.128.ip q4, a4, 16
    ee.vld.128.ip q5, a4, 16
    addi    a3, a9, PIXEL
    loopgtz_ a5, .Lsummed
    ee.vld.128.ip q0, a3, 16
    ee.vsmulas.s8.qacc.ld.incp q4, a4, q4, q0, 0
    ee.vsmulas.s8.qacc.ld.incp q5, a4, q5, q0, 1
    ee.vsmulas.s8.qacc.ld.incp q4, a4, q4, q0, 2
    ee.vsmulas.s8.qacc.ld.incp q5, a4, q5, q0, 3
    ee.vsmulas.s8.qacc.ld.incp q4, a4, q4, q0, 4
    ee.vsmulas.s8.qacc.ld.incp q5, a4, q5, q0, 5
    ee.vsmulas.s8.qacc.ld.incp q4, a4, q4, q0, 6
    ee.vsmulas.s8.qacc.ld.incp q5, a4, q5, q0, 7
    ee.vsmulas.s8.qacc.ld.incp q4, a4, q4, q0, 8
    ee.vsmulas.s8.qacc.ld.incp q5, a4, q5, q0, 9
    ee.vsmulas.s8.qacc.ld.incp q4, a4, q4, q0, 10
    ee.vsmulas.s8.qacc.ld.incp q5, a4, q5, q0, 11
    ee.vsmulas.s8.qacc.ld.incp q4, a4, q4, q0, 12
    ee.vsmulas.s8.qacc.ld.incp q5, a4, q5, q0, 13
    ee.vsmulas.s8.qacc.ld.incp q4, a4, q4, q0, 14
    ee.vsmulas.s8.qacc.ld.incp q5, a4, q5, q0, 15
.Lsummed:
    finish  dot
    addi    a7, a7, -1
    ee.vst.128.ip q1, a6, 16
    bnez    a7, .Lgroup

    l32i    a7, sp, PIXELS_LEFT
    addi    a7, a7, -1
    s32i    a7, sp, PIXELS_LEFT
    bnez    a7, .Lpixel
    return  LOCALS

    finish_others short, dot
    end_function mcuq_s3_dot_all

#endif
