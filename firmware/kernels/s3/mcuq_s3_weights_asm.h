/* Weighted sums of bytes on the vector unit, eight lanes of 40 bits at a time: mcuq_s3_sum.h.
 *
 * Registers: q4, q5, q6 the constants but the last vector, which lies at a6; a7 shift, a8 16; q7 is lost. */
#ifndef MCUQ_S3_WEIGHTS_ASM_H
#define MCUQ_S3_WEIGHTS_ASM_H
/* clang-format off */

#include "mcuq_mac16_asm.h"
#include "mcuq_s3_asm.h"

    .macro  load_weights
    ee.vld.128.ip q4, a6, 16
    ee.vld.128.ip q5, a6, 16
    ee.vld.128.ip q6, a6, 16
    movi    a8, 16
    .endm

/* 256 times a, and b where there is one, to outputs with 8 bits more, saturated, in a. */
    .macro  weigh a, b=
    ee.ldqa.s16.128.ip a6, 0
    ee.vsmulas.s16.qacc \a, q4, 0
    .ifnb   \b
    ee.vsmulas.s16.qacc \b, q4, 1
    .endif
    ee.srcmb.s16.qacc q7, a8, 0
    ee.vsmulas.s16.qacc \a, q4, 2
    .ifnb   \b
    ee.vsmulas.s16.qacc \b, q4, 3
    .endif
    ee.vsmulas.s16.qacc q5, q4, 4
    ee.vsmulas.s16.qacc q6, q4, 5
    ee.srcmb.s16.qacc \a, a7, 0
    .endm

#endif
