/* Sums of two operands by table, see mcuq_mac16_sum.h and mcuq_mac16_table_sum.h.
 *
 * With the sum s, t = floor(s * m / 2^30), and the output is (t + rounding) >> (e + 1) with rounding = 1 + 2^e +
 * zero_point * 2^(e + 1), 2 less where t < 0: as in mcuq_mac16_asm.h, with six bits less. */
#ifndef MCUQ_MAC16_SUM_ASM_H
#define MCUQ_MAC16_SUM_ASM_H
/* clang-format off */

#include "mcuq_mac16_asm.h"

/* mcuq_mac16_sum */
#define A          0
#define B          4
#define OUTPUT     8
#define ELEMENTS   12
#define TABLE_A    16
#define TABLE_B    20
#define MULTIPLIER 24
#define EXPONENT   28
#define ZERO_POINT 32
#define MIN        36
#define MAX        40

/* All of a function but its name; `plain`: tables hold no offset.
 *
 * a2 a   a3 b   a4 output   a5 elements   a6, a7 tables   a8 multiplier   a9 rounding   a10 where t < 0
 * a11 min   a15 max   a12..a14 temporary   SAR shift */
    .macro  sums plain=
    l32i    a12, a2, EXPONENT
    l32i    a13, a2, ZERO_POINT
    movi    a14, 1
    addx2   a13, a13, a14
    ssl     a12
    addi    a12, a12, 1
    sll     a9, a13
    ssr     a12
    addi    a9, a9, 1
    addi    a10, a9, -2
    l32i    a8, a2, MULTIPLIER
    prepare_multiplier a8, a12
    l32i    a3, a2, B
    l32i    a4, a2, OUTPUT
    l32i    a5, a2, ELEMENTS
    l32i    a6, a2, TABLE_A
    l32i    a7, a2, TABLE_B
    l32i    a11, a2, MIN
    l32i    a15, a2, MAX
    l32i    a2, a2, A
    loopgtz_ a5, .Ldone\@
    l8ui    a12, a2, 0
    l8ui    a13, a3, 0
    addi    a2, a2, 1
    addi    a3, a3, 1
    addx4   a12, a12, a6
    addx4   a13, a13, a7
    l32i    a12, a12, 0
    l32i    a13, a13, 0
    add     a12, a12, a13
    multiply_high a13, a12, a8, a14, \plain
    mov     a12, a10
    movgez  a12, a9, a13
    add     a13, a13, a12
    sra     a13, a13
    max_    a13, a13, a11
    min_    a13, a13, a15
    s8i     a13, a4, 0
    addi    a4, a4, 1
.Ldone\@:
    return  0
    .endm

#endif
