/* Sums of two tensors on the vector unit. See mcuq_s3_sum.h. */
#include "mcuq_s3_isa.h"

#if MCUQ_S3

#include "mcuq_s3_weights_asm.h"

/* a2 a   a3 b   a4 output   a5 blocks   a6 the last constants   a7 shift */
    function mcuq_s3_sum, 0
    load_weights
    loopgtz_ a5, .Lsum
    ee.zero.q q0
    ee.vld.128.ip q1, a2, 16
    ee.zero.q q2
    ee.vld.128.ip q3, a3, 16
    ee.vzip.8 q0, q1
    ee.vzip.8 q2, q3
    weigh   q0, q2
    weigh   q1, q3
    ee.vunzip.8 q0, q1
    ee.vst.128.ip q1, a4, 16
.Lsum:
    return  0
    end_function mcuq_s3_sum

#endif
