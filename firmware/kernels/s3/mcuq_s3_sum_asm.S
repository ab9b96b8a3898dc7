/* Sums of two tensors on the vector unit, eight lanes of 40 bits at a time. See mcuq_s3_sum.h. */
#include "mcuq_s3_isa.h"

#if MCUQ_S3

#include "mcuq_mac16_asm.h"
#include "mcuq_s3_asm.h"

/* 256 times a and b to outputs with 8 bits more, saturated, in a. */
    .macro  half a, b
    ee.ldqa.s16.128.ip a6, 0
    ee.vsmulas.s16.qacc \a, q4, 0
    ee.vsmulas.s16.qacc \b, q4, 1
    ee.srcmb.s16.qacc q7, a8, 0
    ee.vsmulas.s16.qacc \a, q4, 2
    ee.vsmulas.s16.qacc \b, q4, 3
    ee.vsmulas.s16.qacc q5, q4, 4
    ee.vsmulas.s16.qacc q6, q4, 5
    ee.srcmb.s16.qacc \a, a7, 0
    .endm

/* a2 a   a3 b   a4 output   a5 blocks   a6 the last constants   a7 shift   a8 16   q4, q5, q6 the others */
    function mcuq_s3_sum, 0
    ee.vld.128.ip q4, a6, 16
    ee.vld.128.ip q5, a6, 16
    ee.vld.128.ip q6, a6, 16
    movi    a8, 16
    loopgtz_ a5, .Lsum
    ee.zero.q q0
    ee.vld.128.ip q1, a2, 16
    ee.zero.q q2
    ee.vld.128.ip q3, a3, 16
    ee.vzip.8 q0, q1
    ee.vzip.8 q2, q3
    half    q0, q2
    half    q1, q3
    ee.vunzip.8 q0, q1
    ee.vst.128.ip q1, a4, 16
.Lsum:
    return  0
    end_function mcuq_s3_sum

#endif
