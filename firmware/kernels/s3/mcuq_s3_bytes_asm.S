/* Bytes from one place to another, 16 at a time. See mcuq_s3_bytes.h. */
#include "mcuq_s3_isa.h"

#if MCUQ_S3

#include "mcuq_mac16_asm.h"
#include "mcuq_s3_asm.h"

    .macro  copy_bytes to, from, count, temporary
    loopgtz_ \count, .Lbytes\@
    l8ui    \temporary, \from, 0
    addi    \from, \from, 1
    s8i     \temporary, \to, 0
    addi    \to, \to, 1
.Lbytes\@:
    .endm

/* a2 to   a3 from   a4 bytes   a5 blocks   a6 bytes behind them */
    function mcuq_s3_copy, 0
    srli    a5, a4, 4
    extui   a7, a3, 0, 4
    extui   a6, a4, 0, 4
    beqz    a5, .Lcopy_rest
    bnez    a7, .Lcopy_unaligned
    loopgtz_ a5, .Lcopied
    ee.vld.128.ip q0, a3, 16
    ee.vst.128.ip q0, a2, 16
.Lcopied:
    j       .Lcopy_rest
.Lcopy_unaligned:
    ee.ld.128.usar.ip q0, a3, 16
    loopgtz_ a5, .Lcopied_unaligned
    ee.vld.128.ip q1, a3, 16
    ee.src.q.qup q2, q0, q1
    ee.vst.128.ip q2, a2, 16
.Lcopied_unaligned:
    addi    a3, a3, -16
.Lcopy_rest:
    copy_bytes a2, a3, a6, a7
    return  0
    end_function mcuq_s3_copy

/* a2 to   a3 value   a4 blocks */
    function mcuq_s3_fill, 0
    extui   a3, a3, 0, 8
    slli    a5, a3, 8
    or      a3, a3, a5
    slli    a5, a3, 16
    or      a3, a3, a5
    ee.movi.32.q q0, a3, 0
    ee.movi.32.q q0, a3, 1
    ee.movi.32.q q0, a3, 2
    ee.movi.32.q q0, a3, 3
    loopgtz_ a4, .Lfilled
    ee.vst.128.ip q0, a2, 16
.Lfilled:
    return  0
    end_function mcuq_s3_fill

/* What is not written yet is at the end of q0: with the next vector behind it, the next block.
 *
 * a3 from   a4 pixels left   a5 from, whole   a6 whole vectors of a pixel   a7 bytes behind them   a8 bytes not written, 16
 * at most   a9 to   a10 temporary   a11 16   a12 whole vectors left of this pixel */
    function mcuq_s3_pack, 0
    srli    a6, a5, 4
    extui   a7, a5, 0, 4
    extui   a8, a2, 0, 4
    mov     a5, a3
    sub     a9, a2, a8
    movi    a11, 16
    mov     a12, a6
    bnez    a8, .Lpack_behind
    beqz    a6, .Lpack_vectors
    ee.vld.128.ip q0, a3, 16
    movi    a8, 16
    addi    a12, a12, -1
    j       .Lpack_vectors
.Lpack_behind:
    ee.vld.128.ip q0, a9, 0
    wur.sar_byte a8
    ee.src.q q0, q0, q0
    j       .Lpack_vectors

.Lpack_pixel:
    mov     a12, a6
.Lpack_vectors:
    sub     a10, a11, a8
    wur.sar_byte a10
    loopgtz_ a12, .Lpacked
    ee.vld.128.ip q1, a3, 16
    ee.src.q.qup q2, q0, q1
    ee.vst.128.ip q2, a9, 16
.Lpacked:
    beqz    a7, .Lpack_next
    ee.vld.128.ip q1, a3, 16
    add     a8, a8, a7
    bge     a11, a8, .Lpack_hold
    ee.src.q q2, q0, q1
    addi    a8, a8, -16
    ee.vst.128.ip q2, a9, 16
.Lpack_hold:
    wur.sar_byte a7
    ee.src.q q0, q0, q1
.Lpack_next:
    addi    a4, a4, -1
    bnez    a4, .Lpack_pixel

    sub     a10, a11, a8
    wur.sar_byte a10
    ee.src.q q0, q0, q0
    ee.vst.128.ip q0, a5, 0
    copy_bytes a9, a5, a8, a10
    return  0
    end_function mcuq_s3_pack

#endif
