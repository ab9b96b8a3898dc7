/* A line of a byte on the vector unit. See mcuq_s3_line.h. */
#include "mcuq_s3_isa.h"

#if MCUQ_S3

#include "mcuq_s3_weights_asm.h"

/* a2 x   a3 output   a4 blocks   a9 bits to turn over before   a10 and afterwards   q2, q3 limits */
    function mcuq_s3_line, 0
    mov     a7, a6
    mov     a6, a5
    load_weights
    addi    a9, a6, 16
    ee.vld.128.ip q2, a9, 16
    ee.vld.128.ip q3, a9, 16
    addi    a10, a9, 16
    loopgtz_ a4, .Lline
    ee.vld.128.ip q1, a2, 16
    ee.vld.128.ip q7, a9, 0
    ee.zero.q q0
    ee.xorq q1, q1, q7
    ee.vzip.8 q0, q1
    weigh   q0
    weigh   q1
    ee.vunzip.8 q0, q1
    ee.vld.128.ip q7, a10, 0
    ee.vmax.s8 q1, q1, q2
    ee.vmin.s8 q1, q1, q3
    ee.xorq q1, q1, q7
    ee.vst.128.ip q1, a3, 16
.Lline:
    return  0
    end_function mcuq_s3_line

#endif
