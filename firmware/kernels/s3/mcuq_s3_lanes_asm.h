/* What the ESP32-S3's cores share: constants, and sums out of their lanes. What becomes of them: mcuq_s3_finish_asm.h.
 *
 * q0 to q7, ACCX and QACC belong to coprocessor 3, which ESP-IDF saves for tasks: these functions may be called from
 * tasks, not from interrupt handlers.
 *
 * Registers: a2 mcuq_s3_constants, a4 the record, read from front to end; a8 8, a9 scratch, a10 16, a11 the record's
 * shift behind the last product, and its form; a12 0; q6 and q7 the first two constants; of long sums q3, the counters.
 * In scratch: 16 lanes of QACC in 40 bytes, at 48 the limits of outputs. */
#ifndef MCUQ_S3_LANES_ASM_H
#define MCUQ_S3_LANES_ASM_H
/* clang-format off */

#include "mcuq_mac16_asm.h"
#include "mcuq_s3_asm.h"

#define LIMITS  48 /* in scratch */
#define PIXEL   64
#define MASK    32 /* in mcuq_s3_constants */
#define SHIFT   40 /* in a record; bits of the word there that the form sets: */
#define BEYOND_NARROW 8
#define BEYOND_MIDDLE 9
#define BEYOND_SIGNED 10
#define BEYOND_WIDE   11
#define IS_LIMITED    12

#define ONE          0 /* bytes of q6, the first two of which are an int16 of 1, */
#define MINUS_128    3
#define MINUS_32768  1 /* and the next two of -32768 */
#define MINUS_1      4

/* What a core does first. */
    .macro  prepare
    movi    a8, 8
    movi    a10, 16
    movi    a12, 0
    ee.vld.128.ip q6, a2, 16
    ee.vld.128.ip q7, a2, -16
    .endm

/* QACC to the scratch, and from there. */
    .macro  store_lanes
    ee.st.qacc_l.l.128.ip a9, 16
    ee.st.qacc_h.l.128.ip a9, 16
    ee.st.qacc_l.h.32.ip a9, 4
    ee.st.qacc_h.h.32.ip a9, -36
    .endm
    .macro  load_lanes
    ee.ld.qacc_l.l.128.ip a9, 16
    ee.ld.qacc_h.l.128.ip a9, 16
    ee.ld.qacc_l.h.32.ip a9, 4
    ee.ld.qacc_h.h.32.ip a9, -36
    .endm

/* QACC as the record begins, and the word with its shift; where sums may be long (`may_be` is long) the counters. */
    .macro  begin may_be
    l32i    a11, a4, SHIFT
    ee.ld.qacc_l.l.128.ip a4, 16
    ee.ld.qacc_h.l.128.ip a4, 16
    ee.ld.qacc_l.h.32.ip a4, 4
    ee.ld.qacc_h.h.32.ip a4, 12
    .ifc    \may_be, long
    bbci    a11, BEYOND_WIDE, .Lbegun\@
    ee.vld.128.ip q3, a4, 16
.Lbegun\@:
    .endif
    .endm

/* Only the lower 15 bits of the lanes, which lie in scratch. q1, q2 and a13 are lost. */
    .macro  mask_lanes
    addi    a13, a2, MASK
    ee.vld.128.ip q1, a13, 16
    ee.vld.128.ip q2, a9, 0
    ee.andq q2, q2, q1
    ee.vst.128.ip q2, a9, 16
    ee.vld.128.ip q2, a9, 0
    ee.andq q2, q2, q1
    ee.vst.128.ip q2, a9, -16
    l32i    a13, a13, 0
    l32i    a12, a9, 32
    and     a12, a12, a13
    s32i    a12, a9, 32
    l32i    a12, a9, 36
    and     a12, a12, a13
    s32i    a12, a9, 36
    movi    a12, 0
    load_lanes
    .endm

/* The upper bits of long sums, from 15 on, to their counters. q1, q2 and a13 are lost. */
    .macro  cut
    movi    a13, 15
    store_lanes
    ee.srcmb.s8.qacc q1, a13, 0
    ee.vadds.s8 q3, q3, q1
    mask_lanes
    .endm
    .macro  cut_if_long
    bbci    a11, BEYOND_WIDE, .Lwhole\@
    cut
.Lwhole\@:
    .endm

/* QACC, which also lies in scratch, to int16 in q2 (lanes 0 to 7) and q1 (8 to 15), saturated: the upper byte is
 * floor(x / 256), limited to int8; what is left of x, less 128, is limited as well, and 128 comes back by a bit. */
    .macro  lanes_to_int16
    ee.srcmb.s8.qacc q1, a8, 0
    load_lanes
    ee.vsmulas.s8.qacc q1, q6, MINUS_128
    ee.vsmulas.s8.qacc q1, q6, MINUS_128
    ee.vsmulas.s8.qacc q7, q6, ONE
    ee.srcmb.s8.qacc q2, a12, 0
    ee.xorq q2, q2, q7
    ee.vzip.8 q2, q1
    .endm

/* The same of 17 bits: what the upper byte has not, limited as well, goes to q0 and q3, 256 times. Where sums are beyond
 * that, those in q2 and q1 still have their sign. */
    .macro  lanes_to_int17
    store_lanes
    ee.srcmb.s8.qacc q1, a8, 0
    ee.vsmulas.s8.qacc q1, q6, MINUS_1
    ee.srcmb.s8.qacc q3, a12, 0
    load_lanes
    ee.vsmulas.s8.qacc q1, q6, MINUS_128
    ee.vsmulas.s8.qacc q1, q6, MINUS_128
    ee.vsmulas.s8.qacc q3, q6, MINUS_128
    ee.vsmulas.s8.qacc q3, q6, MINUS_128
    ee.vsmulas.s8.qacc q7, q6, ONE
    ee.srcmb.s8.qacc q2, a12, 0
    ee.xorq q2, q2, q7
    ee.zero.q q0
    ee.vzip.8 q2, q1
    ee.vzip.8 q0, q3
    .endm

#endif
