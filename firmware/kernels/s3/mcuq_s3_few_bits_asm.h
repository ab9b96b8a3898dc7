/* Weights of 1, 2 or 4 bits on the vector unit, which become bytes: mcuq_s3_packed.h.
 *
 * Registers: q4 weights, of which the lowest bits are taken; q6 their mask, q7 what they are stored larger by, SAR how
 * many bits they have. */
#ifndef MCUQ_S3_FEW_BITS_ASM_H
#define MCUQ_S3_FEW_BITS_ASM_H
/* clang-format off */

#include "mcuq_s3_window_asm.h"

#define STORED 52 /* in mcuq_s3_constants: mask and excess of each number of bits */

/* Where mask and excess of so many bits are, from the constants on. */
    .macro  find_levels at, bits
    movi    \at, 6
    and     \at, \at, \bits
    addi    \at, \at, STORED
    ssr     \bits
    .endm

/* Mask and excess, from a local that says where they are; a13 is lost. */
    .macro  load_levels at
    l32i    a13, sp, \at
    add     a13, a13, a2
    ee.vldbc.8.ip q6, a13, 1
    ee.vldbc.8 q7, a13
    .endm

/* What q6 and q7 are elsewhere. */
    .macro  load_constants
    ee.vld.128.ip q6, a2, 16
    ee.vld.128.ip q7, a2, -16
    .endm

/* Weights to bytes in q5. */
    .macro  integers from
    ee.andq q5, \from, q6
    ee.vsubs.s8 q5, q5, q7
    .endm

/* The same of 1 bit: -1 where it is not set, and 1. */
    .macro  signs
    ee.andq q5, q4, q6
    ee.vcmp.eq.s8 q5, q5, q7
    ee.orq  q5, q5, q6
    .endm

#endif
