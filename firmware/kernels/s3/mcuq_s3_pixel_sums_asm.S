/* Sums of channels over pixels on the vector unit, 16 channels side by side. See mcuq_s3_pixel_sums.h. */
#include "mcuq_s3_isa.h"

#if MCUQ_S3

#include "mcuq_s3_lanes_asm.h"

/* From sp, a multiple of 16 as every caller leaves it: QACC, then 16 sums; where the piece's pixels and sums are. */
#define INPUT  64
#define SUMS   68
#define LOCALS 80

#define PIECE 256 /* pixels whose sum an int16 holds */

/* Eight int16 are added to sums; q0 and q3 are lost. */
    .macro  add_eight x
    ee.vcmp.lt.s16 q3, \x, q4
    ee.vld.128.ip q0, a2, 16
    ee.vzip.16 \x, q3
    ee.vadds.s32 \x, \x, q0
    ee.vld.128.ip q0, a2, 16
    ee.vst.128.ip \x, a4, 16
    ee.vadds.s32 q3, q3, q0
    ee.vst.128.ip q3, a4, 16
    .endm

/* To QACC, 16 channels of all pixels at any address: of each pixel the first byte and, a14 bytes behind it, the last
 * one that counts are read, and what lies in their blocks of 16. */
    .macro  add_unaligned
    ee.zero.qacc
    mov     a13, a3
    ee.ld.128.usar.xp q0, a13, a14
    ee.vld.128.xp q1, a13, a15
    ee.src.q q2, q0, q1
    loopgtz_ a5, .Ladded\@
    ee.ld.128.usar.xp q0, a13, a14
    ee.vmulas.s8.qacc.ld.xp q1, a13, a15, q2, q5
    ee.src.q q2, q0, q1
.Ladded\@:
    ee.vmulas.s8.qacc q2, q5
    .endm

/* a2 before   a3 input   a4 output   a5 pixels of the piece but one   a6 channels   a7 whole groups left   a8 8   a9 sp
 * a10 pixels behind the piece   a11 channels behind the groups   a12 0   a13 a pixel   a14 from a pixel's first byte to its
 * last   a15 from there to the next pixel's first   q4 0   q5 16 times 1   q6, q7 constants */
    function mcuq_s3_pixel_sums, LOCALS
    ee.vldbc.8 q5, a7
    ee.vld.128.ip q6, a7, 16
    ee.vld.128.ip q7, a7, 0
    ee.zero.q q4
    movi    a12, 0
    mov     a10, a5
.Lpiece:
    movi    a5, PIECE
    min_    a5, a5, a10
    s32i    a3, sp, INPUT
    s32i    a4, sp, SUMS
    sub     a10, a10, a5
    addi    a5, a5, -1
    mov     a9, sp
    movi    a8, 8
    extui   a11, a6, 0, 4
    srli    a7, a6, 4
    bnez    a11, .Lunaligned

.Lgroup:
    ee.zero.qacc
    mov     a13, a3
    ee.vld.128.xp q0, a13, a6
    loopgtz_ a5, .Ladded
    ee.vmulas.s8.qacc.ld.xp q0, a13, a6, q0, q5
.Ladded:
    ee.vmulas.s8.qacc q0, q5
    addi    a3, a3, 16
    store_lanes
    lanes_to_int16
    addi    a7, a7, -1
    add_eight q2
    add_eight q1
    bnez    a7, .Lgroup
    bnez    a10, .Lnext
    return  LOCALS

.Lnext:
    l32i    a2, sp, SUMS
    l32i    a3, sp, INPUT
    slli    a7, a6, 8 /* of PIECE pixels */
    mov     a4, a2
    add     a3, a3, a7
    j       .Lpiece

.Lunaligned:
    beqz    a7, .Lrest
    movi    a14, 15
    addi    a15, a6, -15
.Lunaligned_group:
    add_unaligned
    addi    a3, a3, 16
    store_lanes
    lanes_to_int16
    addi    a7, a7, -1
    add_eight q2
    add_eight q1
    bnez    a7, .Lunaligned_group

/* Fewer than 16 channels: four at a time, then one. */
.Lrest:
    addi    a14, a11, -1
    sub     a15, a6, a14
    add_unaligned
    srli    a7, a11, 2
    store_lanes
    lanes_to_int16
    extui   a11, a11, 0, 2
    ee.vcmp.lt.s16 q3, q2, q4
    ee.vcmp.lt.s16 q0, q1, q4
    ee.vzip.16 q2, q3
    ee.vzip.16 q1, q0
    ee.vst.128.ip q2, a9, 16
    ee.vst.128.ip q3, a9, 16
    ee.vst.128.ip q1, a9, 16
    ee.vst.128.ip q0, a9, 0
    addi    a9, a9, -48
    loopgtz_ a7, .Lfours
    ee.vld.128.ip q0, a2, 16
    ee.vld.128.ip q1, a9, 16
    ee.vadds.s32 q0, q0, q1
    ee.vst.128.ip q0, a4, 16
.Lfours:
    loopgtz_ a11, .Lones
    l32i    a7, a2, 0
    l32i    a8, a9, 0
    addi    a2, a2, 4
    add     a7, a7, a8
    addi    a9, a9, 4
    s32i    a7, a4, 0
    addi    a4, a4, 4
.Lones:
    bnez    a10, .Lnext
    return  LOCALS
    end_function mcuq_s3_pixel_sums

#endif
