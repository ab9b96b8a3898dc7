/* A part of a vector's product with a matrix, see mcuq_mac16_vector_sums.h. */
#include "mcuq_mac16_isa.h"

#if MCUQ_MAC16

#include "mcuq_mac16_vector_asm.h"

/* a2..a5, a12, m0..m2 as add_taps has them   a6 words   a7 channels left   a8 x - 4   a9 addition, 256 times */
    function mcuq_mac16_vector_sums_run, 0
    mov     a6, a3
    movi    a4, 255
    slli    a5, a4, 16
    or      a4, a4, a5
    l32i    a5, a2, TAPS
    l32i    a3, a2, WEIGHTS
    l32i    a7, a2, CHANNELS
    l32i    a8, a2, X
    l32i    a9, a2, ADDITION
    srli    a5, a5, 2
    addi    a5, a5, -1
    addi    a3, a3, -4
    addi    a8, a8, -4
    slli    a9, a9, 8
    mov     a2, a8
    ldinc_  m0, a2
    ldinc_  m1, a2
.Lsum:
    l32i    a12, a6, 0
    add     a12, a12, a9
    add_taps mov a2, a8
    s32i    a12, a6, 0
    addi    a6, a6, 4
    addi    a7, a7, -1
    bnez    a7, .Lsum
    return  0
    end_function mcuq_mac16_vector_sums_run

#endif
