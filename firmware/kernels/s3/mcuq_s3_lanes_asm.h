/* What the ESP32-S3's cores share: constants, sums out of their lanes, and the floor that makes outputs of them.
 *
 * q0 to q7, ACCX and QACC belong to coprocessor 3, which ESP-IDF saves for tasks: these functions may be called from
 * tasks, not from interrupt handlers.
 *
 * Registers: a4 the record, read from front to end; a8 8, a9 scratch, a10 16, a11 the shift behind the last product,
 * a12 0; q6 the constants below, q7 -128 in all bytes; of the wide form and the long one also a2, the mask's last word;
 * of the long one q3, the counters. In scratch: 16 lanes of QACC in 40 bytes, at 40 a byte of -128, at 48 the mask of
 * the lower 12 bits of each lane, or of the lower 15. */
#ifndef MCUQ_S3_LANES_ASM_H
#define MCUQ_S3_LANES_ASM_H
/* clang-format off */

#include "mcuq_mac16_asm.h"
#include "mcuq_s3_asm.h"

#define BYTE    40 /* in scratch */
#define MASK    48
#define PIXEL   64
#define SHIFT   40 /* in a record */

#define ONE          0 /* bytes of q6, the first two of which are an int16 of 1, */
#define MINUS_128    3
#define MINUS_32768  1 /* and the next two of -32768 */

/* a8, a10, a12, q6, q7; a13 and a14 are lost. */
    .macro  prepare_constants
    movi    a8, 8
    movi    a10, 16
    movi    a12, 0
    movi    a13, -128
    slli    a13, a13, 24 /* bytes 1, 0, 0, -128 */
    addi    a13, a13, 1
    ee.zero.q q6
    ee.movi.32.q q6, a13, 0
    movi    a13, 128
    s8i     a13, a9, BYTE
    slli    a14, a13, 8
    or      a13, a13, a14
    slli    a14, a13, 16
    or      a13, a13, a14
    ee.movi.32.q q7, a13, 0
    ee.movi.32.q q7, a13, 1
    ee.movi.32.q q7, a13, 2
    ee.movi.32.q q7, a13, 3
    .endm

/* The mask of the lower `bits` of every 20, at most 16: 160 bits, of which the last 32 stay in a2; a13, a14 are lost. */
    .macro  prepare_mask bits
    movi    a13, -1
    extui   a13, a13, 0, \bits
    slli    a2, a13, 20 /* bits 20 to 31 */
    or      a14, a13, a2
    s32i    a14, a9, MASK
    srli    a14, a13, 12 /* from 32 on */
    slli    a2, a13, 8 /* from 40 on */
    or      a14, a14, a2
    slli    a2, a13, 28 /* 60 to 63 */
    or      a14, a14, a2
    s32i    a14, a9, MASK + 4
    srli    a14, a13, 4 /* from 64 on */
    slli    a2, a13, 16 /* from 80 on */
    or      a14, a14, a2
    s32i    a14, a9, MASK + 8
    slli    a14, a13, 4 /* from 100 on */
    slli    a2, a13, 24 /* 120 to 127 */
    or      a14, a14, a2
    s32i    a14, a9, MASK + 12
    srli    a14, a13, 8 /* from 128 on */
    slli    a2, a13, 12 /* from 140 on */
    or      a2, a14, a2
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

/* QACC as the record begins, and its shift. */
    .macro  begin_sums
    l32i    a11, a4, SHIFT
    ee.ld.qacc_l.l.128.ip a4, 16
    ee.ld.qacc_h.l.128.ip a4, 16
    ee.ld.qacc_l.h.32.ip a4, 4
    ee.ld.qacc_h.h.32.ip a4, 12
    .endm

/* What a core does first with the registers above, and how a group begins; a13 and a14 are lost. */
    .macro  prepare form
    prepare_constants
    .ifc    \form, wide
    prepare_mask 12
    .endif
    .ifc    \form, long
    prepare_mask 15
    .endif
    .endm
    .macro  begin form
    begin_sums
    .ifc    \form, long
    ee.vld.128.ip q3, a4, 16
    .endif
    .endm

/* Only the masked bits of the lanes, which lie in scratch. q1, q2 and a13 are lost. */
    .macro  mask_lanes
    addi    a13, a9, MASK
    ee.vld.128.ip q1, a13, 0
    ee.vld.128.ip q2, a9, 0
    ee.andq q2, q2, q1
    ee.vst.128.ip q2, a9, 16
    ee.vld.128.ip q2, a9, 0
    ee.andq q2, q2, q1
    ee.vst.128.ip q2, a9, -16
    l32i    a13, a9, 32
    and     a13, a13, a2
    s32i    a13, a9, 32
    l32i    a13, a9, 36
    and     a13, a13, a2
    s32i    a13, a9, 36
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

/* The same of sums of 20 bits: 4096 * h + l, l of 12 bits, and h times 256 is an int16. b = 16 * a. */
    .macro  finish_wide
    movi    a13, 12
    store_lanes
    ee.srcmb.s8.qacc q3, a13, 0 /* h */
    mask_lanes
    lanes_to_int16
    ee.zero.q q0
    ee.vzip.8 q0, q3
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
    ee.vadds.s8 q3, q3, q3
    ee.vadds.s8 q3, q3, q3
    ee.vadds.s8 q3, q3, q3
    ee.zero.q q0
    ee.vzip.8 q0, q3
    long_half q2, q0
    ee.vmulas.s16.qacc.ld.ip q4, a4, 16, q0, q5 /* the next a0 */
    ee.srcmb.s16.qacc q2, a11, 0
    ee.vld.128.ip q5, a4, 16 /* b0 */
    long_half q1, q3
    ee.vmulas.s16.qacc q3, q5
    addi    a13, a9, BYTE
    ee.srcmb.s16.qacc q1, a11, 0
    ee.vldbc.8 q7, a13
    ee.vunzip.8 q2, q1
    .endm

    .macro  finish form
    .ifc    \form, long
    cut
    .endif
    finish_\form
    .endm

#endif
