/* The requantize of mcuq_mac16_asm.h, macro by macro as the kernels use them: see xtensa_requantize.c. */
#include "mcuq_mac16_isa.h"
#include "mcuq_mac16_asm.h"

#define WORD       0
#define MULTIPLIER 4
#define ZERO_POINT 8
#define MIN        12
#define MAX        16
#define HIGH       20
#define OUTPUTS    24 /* PLAIN, SIGNED, LIMITED */
#define BYTES      36

    .begin  no-transform
    .section .text.mac16_requantize, "ax"
    .align  4
    .global mac16_requantize
mac16_requantize:
    addi    sp, sp, -32
    s32i    a12, sp, 16
    s32i    a13, sp, 20
    s32i    a14, sp, 24
.Lnext:
    l32i    a8, a2, WORD
    l32i    a10, a2, MULTIPLIER
    l32i    a13, a2, ZERO_POINT
    l32i    a4, a2, MIN
    l32i    a5, a2, MAX
    movi    a14, 1
    addx2   a13, a13, a14
    prepare_channel a8, a11, a13, a12
    prepare_multiplier a10, a12
    addi    a12, a11, -128
    s32i    a12, sp, NEGATIVE
    s32i    a4, sp, LOWEST
    s32i    a5, sp, HIGHEST
    wsr_acclo a8
    rsr_acclo a12
    multiply_high a9, a12, a10, a14
    s32i    a9, a2, HIGH
    mov     a13, a9
    round_and_limit PLAIN, a13, a11, a12, a14
    s32i    a13, a2, OUTPUTS
    mov     a13, a9
    round_and_limit SIGNED, a13, a11, a12, a14
    s32i    a13, a2, OUTPUTS + 4
    mov     a13, a9
    round_and_limit LIMITED, a13, a11, a12, a14
    s32i    a13, a2, OUTPUTS + 8
    addi    a2, a2, BYTES
    addi    a3, a3, -1
    bnez    a3, .Lnext
    l32i    a12, sp, 16
    l32i    a13, sp, 20
    l32i    a14, sp, 24
    addi    sp, sp, 32
    ret
    .end    no-transform
