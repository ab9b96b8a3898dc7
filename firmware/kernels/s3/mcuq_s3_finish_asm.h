/* Sums in the ESP32-S3's lanes to outputs, by the floor of their record: registers are those of mcuq_s3_lanes_asm.h. */
#ifndef MCUQ_S3_FINISH_ASM_H
#define MCUQ_S3_FINISH_ASM_H
/* clang-format off */

#include "mcuq_s3_lanes_asm.h"

/* Sums to 16 outputs in q1. q4 and q5 are the first two vectors behind the weights.
 *
 *   floor((x * a1 + chi + floor((x * a0 + clo) / 2^16)) / 2^shift), a = a1 * 2^16 + a0, the addend likewise
 *
 * with 8 bits more than an int8 has, so that saturating to int16 limits it; its upper bytes are the outputs. */
    .macro  finish_narrow
    store_lanes
    lanes_to_int16
    ee.ldqa.s16.128.ip a4, 16 /* clo */
    ee.vmulas.s16.qacc q2, q4
    ee.srcmb.s16.qacc q4, a10, 0
    ee.vsmulas.s16.qacc.ld.incp q4, a4, q5, q6, ONE /* chi; a1 */
    ee.vmulas.s16.qacc.ld.ip q5, a4, 16, q2, q4     /* the next a0 */
    ee.srcmb.s16.qacc q2, a11, 0
    ee.vld.128.ip q4, a4, 16 /* chi */
    ee.ldqa.s16.128.ip a4, 16
    ee.vmulas.s16.qacc q1, q5
    ee.srcmb.s16.qacc q5, a10, 0
    ee.vsmulas.s16.qacc.ld.incp q5, a4, q4, q6, ONE
    ee.vmulas.s16.qacc q1, q5
    ee.srcmb.s16.qacc q1, a11, 0
    ee.vunzip.8 q2, q1
    .endm

/* The same of sums of 17 bits. */
    .macro  finish_middle
    lanes_to_int17
    ee.ldqa.s16.128.ip a4, 16 /* clo */
    ee.vmulas.s16.qacc q2, q4
    ee.vmulas.s16.qacc q0, q4
    ee.srcmb.s16.qacc q4, a10, 0
    ee.vsmulas.s16.qacc.ld.incp q4, a4, q5, q6, ONE /* chi; a1 */
    ee.vmulas.s16.qacc q2, q4
    ee.vmulas.s16.qacc.ld.ip q4, a4, 16, q0, q4     /* the next a0 */
    ee.srcmb.s16.qacc q2, a11, 0
    ee.vld.128.ip q5, a4, 16 /* chi */
    ee.ldqa.s16.128.ip a4, 16
    ee.vmulas.s16.qacc q1, q4
    ee.vmulas.s16.qacc q3, q4
    ee.srcmb.s16.qacc q4, a10, 0
    ee.vsmulas.s16.qacc.ld.incp q4, a4, q5, q6, ONE
    ee.vmulas.s16.qacc q1, q4
    ee.vmulas.s16.qacc q3, q4
    ee.srcmb.s16.qacc q1, a11, 0
    ee.vunzip.8 q2, q1
    .endm

/* The same of sums of 17 bits that round by their sign: where they are negative the kink's upper half is taken away; the
 * addend is 32768 * chh + chi there. */
    .macro  signed_half sum, upper
    ee.ldqa.s16.128.ip a4, 16 /* clo */
    ee.vmulas.s16.qacc \sum, q4
    ee.vmulas.s16.qacc \upper, q4
    ee.srcmb.s16.qacc q4, a10, 0
    ee.vsmulas.s16.qacc.ld.incp q4, a4, q5, q6, ONE         /* chi; -chh */
    ee.vsmulas.s16.qacc.ld.incp q5, a4, q4, q6, MINUS_32768 /* kink */
    ee.zero.q q7
    ee.vcmp.lt.s16 q7, \sum, q7
    ee.vmulas.s16.qacc.ld.ip q4, a4, 16, q7, q5       /* a1 */
    ee.vmulas.s16.qacc \sum, q4
    .endm
    .macro  finish_signed
    lanes_to_int17
    signed_half q2, q0
    ee.vmulas.s16.qacc.ld.ip q4, a4, 16, q0, q4 /* the next a0 */
    ee.srcmb.s16.qacc q2, a11, 0
    ee.vld.128.ip q5, a4, 16 /* chi */
    signed_half q1, q3
    ee.vmulas.s16.qacc q3, q4
    addi    a13, a2, 16
    ee.srcmb.s16.qacc q1, a11, 0
    ee.vld.128.ip q7, a13, 0
    ee.vunzip.8 q2, q1
    .endm

/* The same of sums of 20 bits: 32768 * h + l, l of 15 bits, and h times 2048 is an int16. b = 16 * a. */
    .macro  upper_part
    ee.vadds.s8 q3, q3, q3
    ee.vadds.s8 q3, q3, q3
    ee.vadds.s8 q3, q3, q3
    ee.zero.q q0
    ee.vzip.8 q0, q3
    .endm
    .macro  finish_wide
    movi    a13, 15
    store_lanes
    ee.srcmb.s8.qacc q3, a13, 0 /* h */
    mask_lanes
    lanes_to_int16
    upper_part
    ee.ldqa.s16.128.ip a4, 16 /* clo */
    ee.vmulas.s16.qacc q2, q4
    ee.vmulas.s16.qacc.ld.ip q5, a4, 16, q0, q5 /* b0; chi */
    ee.srcmb.s16.qacc q4, a10, 0
    ee.vsmulas.s16.qacc.ld.incp q4, a4, q5, q6, ONE /* a1 */
    ee.vmulas.s16.qacc.ld.ip q5, a4, 16, q2, q4     /* b1 */
    ee.vmulas.s16.qacc.ld.ip q4, a4, 16, q0, q5     /* the next a0 */
    ee.srcmb.s16.qacc q2, a11, 0
    ee.vld.128.ip q5, a4, 16 /* b0 */
    ee.ldqa.s16.128.ip a4, 16
    ee.vmulas.s16.qacc q1, q4
    ee.vmulas.s16.qacc.ld.ip q5, a4, 16, q3, q5
    ee.srcmb.s16.qacc q4, a10, 0
    ee.vsmulas.s16.qacc.ld.incp q4, a4, q5, q6, ONE
    ee.vmulas.s16.qacc.ld.ip q5, a4, 16, q1, q4
    ee.vmulas.s16.qacc q3, q5
    ee.srcmb.s16.qacc q1, a11, 0
    ee.vunzip.8 q2, q1
    .endm

/* The same of long sums that were cut: 32768 * h + l, and h times 2048 is an int16, which has the sum's sign. Where that
 * is negative the kink's upper half is taken away; the addend is 32768 * chh + chi there. */
    .macro  long_half sum, upper
    ee.ldqa.s16.128.ip a4, 16 /* clo */
    ee.vmulas.s16.qacc \sum, q4
    ee.vmulas.s16.qacc.ld.ip q5, a4, 16, \upper, q5 /* b0; chi */
    ee.srcmb.s16.qacc q4, a10, 0
    ee.vsmulas.s16.qacc.ld.incp q4, a4, q5, q6, ONE         /* -chh */
    ee.vsmulas.s16.qacc.ld.incp q5, a4, q4, q6, MINUS_32768 /* kink */
    ee.zero.q q7
    ee.vcmp.lt.s16 q7, \upper, q7
    ee.vmulas.s16.qacc.ld.ip q4, a4, 16, q7, q5       /* a1 */
    ee.vmulas.s16.qacc.ld.ip q5, a4, 16, \sum, q4     /* b1 */
    .endm
    .macro  finish_long
    lanes_to_int16
    upper_part
    long_half q2, q0
    ee.vmulas.s16.qacc.ld.ip q4, a4, 16, q0, q5 /* the next a0 */
    ee.srcmb.s16.qacc q2, a11, 0
    ee.vld.128.ip q5, a4, 16 /* b0 */
    long_half q1, q3
    ee.vmulas.s16.qacc q3, q5
    addi    a13, a2, 16
    ee.srcmb.s16.qacc q1, a11, 0
    ee.vld.128.ip q7, a13, 0
    ee.vunzip.8 q2, q1
    .endm

/* Sums to 16 outputs in q1, in the record's form; `others` is behind the core's return, under the same name. */
    .macro  finish name
    bbci    a11, BEYOND_NARROW, .Lnarrow_\name
    j       .Lothers_\name
.Lnarrow_\name:
    finish_narrow
.Lfinished_\name:
    .endm

    .macro  finish_others may_be, name
.Lothers_\name:
    bbci    a11, BEYOND_MIDDLE, .Lmiddle_\name
    bbci    a11, BEYOND_SIGNED, .Lto_signed_\name
    .ifc    \may_be, long
    bbsi    a11, BEYOND_WIDE, .Lto_cut_\name
    .endif
    j       .Lwide_\name
.Lto_signed_\name:
    j       .Lsigned_\name
    .ifc    \may_be, long
.Lto_cut_\name:
    j       .Lcut_\name
    .endif
.Lmiddle_\name:
    finish_middle
    j       .Lfinished_\name
.Lsigned_\name:
    finish_signed
.Llimit_\name:
    bbci    a11, IS_LIMITED, .Lunlimited_\name
    addi    a13, a9, LIMITS
    ee.vldbc.8.ip q0, a13, 1
    ee.vldbc.8 q2, a13
    ee.vmax.s8 q1, q1, q0
    ee.vmin.s8 q1, q1, q2
.Lunlimited_\name:
    j       .Lfinished_\name
.Lwide_\name:
    finish_wide
    j       .Llimit_\name
    .ifc    \may_be, long
.Lcut_\name:
    cut
    finish_long
    j       .Llimit_\name
    .endif
    .endm

#endif
