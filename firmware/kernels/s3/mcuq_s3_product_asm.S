/* Products of two tensors on the vector unit, in lanes of 20 bits. See mcuq_s3_product.h. */
#include "mcuq_s3_isa.h"

#if MCUQ_S3

#include "mcuq_s3_finish_asm.h"

/* mcuq_s3_factors */
#define RECORD    0
#define HALVES    4
#define SCRATCH   8
#define CONSTANTS 12

/* a3 a   a5 output   a6 blocks   a7 b   a14 the record   a15 the halves */
    function mcuq_s3_product, 0
    mov     a7, a4
    l32i    a14, a2, RECORD
    l32i    a15, a2, HALVES
    l32i    a9, a2, SCRATCH
    l32i    a2, a2, CONSTANTS
    prepare
.Lblock:
    mov     a4, a14
    begin   short
    ee.vld.128.ip q0, a3, 16
    ee.vld.128.ip q1, a7, 16
    ee.vld.128.ip q2, a15, 0
    ee.vmulas.s8.qacc q0, q1
    ee.vsmulas.s8.qacc q0, q2, 0
    ee.vsmulas.s8.qacc q0, q2, 1
    ee.vsmulas.s8.qacc q1, q2, 2
    ee.vsmulas.s8.qacc q1, q2, 3
    ee.vld.128.ip q4, a4, 16
    ee.vld.128.ip q5, a4, 16
    finish  product
    addi    a6, a6, -1
    ee.vst.128.ip q1, a5, 16
    bnez    a6, .Lblock
    return  0

    finish_others short, product
    end_function mcuq_s3_product

#endif
