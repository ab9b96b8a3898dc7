/* The ESP32-S3's vector instructions for an assembler that does not know them: macros of the same names.
 *
 * Written by tools/s3_words.py from firmware/emulator/s3/mcuq_s3_words.h. Espressif's assembler knows the
 * instructions. */
#ifndef MCUQ_S3_ASM_H
#define MCUQ_S3_ASM_H
/* clang-format off */

#if defined(MCUQ_S3_EMULATED)

    .set    n_q0, 0
    .set    n_q1, 1
    .set    n_q2, 2
    .set    n_q3, 3
    .set    n_q4, 4
    .set    n_q5, 5
    .set    n_q6, 6
    .set    n_q7, 7
    .set    n_a0, 0
    .set    n_a1, 1
    .set    n_a2, 2
    .set    n_a3, 3
    .set    n_a4, 4
    .set    n_a5, 5
    .set    n_a6, 6
    .set    n_a7, 7
    .set    n_a8, 8
    .set    n_a9, 9
    .set    n_a10, 10
    .set    n_a11, 11
    .set    n_a12, 12
    .set    n_a13, 13
    .set    n_a14, 14
    .set    n_a15, 15

    .macro  s3_word24 word:vararg
    .byte   (\word) >> 0 & 255, (\word) >> 8 & 255, (\word) >> 16 & 255
    .endm
    .macro  s3_word32 word:vararg
    .byte   (\word) >> 0 & 255, (\word) >> 8 & 255, (\word) >> 16 & 255, (\word) >> 24 & 255
    .endm

    .macro  ee.vld.128.ip u, a, i
    s3_word24 0x830004 | ((\i / 16) >> 7 & 1) << 22 | (n_\u >> 1 & 3) << 20 | (n_\u & 1) << 15 | ((\i / 16) & 127) << 8 | (n_\a & 15) << 4
    .endm
    .macro  ee.vld.128.xp u, a, d
    s3_word24 0x8d2004 | (n_\u >> 1 & 3) << 20 | (n_\u & 1) << 15 | (n_\d & 15) << 8 | (n_\a & 15) << 4
    .endm
    .macro  ee.ld.128.usar.ip u, a, i
    s3_word24 0x810004 | ((\i / 16) >> 7 & 1) << 22 | (n_\u >> 1 & 3) << 20 | (n_\u & 1) << 15 | ((\i / 16) & 127) << 8 | (n_\a & 15) << 4
    .endm
    .macro  ee.ld.128.usar.xp u, a, d
    s3_word24 0x8d0004 | (n_\u >> 1 & 3) << 20 | (n_\u & 1) << 15 | (n_\d & 15) << 8 | (n_\a & 15) << 4
    .endm
    .macro  ee.vld.l.64.ip u, a, i
    s3_word24 0x890004 | ((\i / 8) >> 7 & 1) << 22 | (n_\u >> 1 & 3) << 20 | (n_\u & 1) << 15 | ((\i / 8) & 127) << 8 | (n_\a & 15) << 4
    .endm
    .macro  ee.vld.h.64.ip u, a, i
    s3_word24 0x880004 | ((\i / 8) >> 7 & 1) << 22 | (n_\u >> 1 & 3) << 20 | (n_\u & 1) << 15 | ((\i / 8) & 127) << 8 | (n_\a & 15) << 4
    .endm
    .macro  ee.vldbc.8 u, a
    s3_word24 0xcd3b04 | (n_\u >> 1 & 3) << 20 | (n_\u & 1) << 15 | (n_\a & 15) << 4
    .endm
    .macro  ee.vldbc.8.ip u, a, i
    s3_word24 0xc50004 | (n_\u >> 1 & 3) << 20 | (n_\u & 1) << 15 | ((\i / 1) & 127) << 8 | (n_\a & 15) << 4
    .endm
    .macro  ee.vldbc.8.xp u, a, d
    s3_word24 0x8d5004 | (n_\u >> 1 & 3) << 20 | (n_\u & 1) << 15 | (n_\d & 15) << 8 | (n_\a & 15) << 4
    .endm
    .macro  ee.vldbc.16.ip u, a, i
    s3_word24 0x850004 | (n_\u >> 1 & 3) << 20 | (n_\u & 1) << 15 | ((\i / 2) & 127) << 8 | (n_\a & 15) << 4
    .endm
    .macro  ee.vldbc.32.ip u, a, i
    s3_word24 0x820004 | ((\i / 4) >> 7 & 1) << 22 | (n_\u >> 1 & 3) << 20 | (n_\u & 1) << 15 | ((\i / 4) & 127) << 8 | (n_\a & 15) << 4
    .endm
    .macro  ee.vst.128.ip v, a, i
    s3_word24 0x8a0004 | ((\i / 16) >> 7 & 1) << 22 | (n_\v >> 1 & 3) << 20 | (n_\v & 1) << 15 | ((\i / 16) & 127) << 8 | (n_\a & 15) << 4
    .endm
    .macro  ee.vst.128.xp v, a, d
    s3_word24 0x8d7004 | (n_\v >> 1 & 3) << 20 | (n_\v & 1) << 15 | (n_\d & 15) << 8 | (n_\a & 15) << 4
    .endm
    .macro  ee.vst.l.64.ip v, a, i
    s3_word24 0x840004 | ((\i / 8) >> 7 & 1) << 22 | (n_\v >> 1 & 3) << 20 | (n_\v & 1) << 15 | ((\i / 8) & 127) << 8 | (n_\a & 15) << 4
    .endm
    .macro  ee.vst.h.64.ip v, a, i
    s3_word24 0x8b0004 | ((\i / 8) >> 7 & 1) << 22 | (n_\v >> 1 & 3) << 20 | (n_\v & 1) << 15 | ((\i / 8) & 127) << 8 | (n_\a & 15) << 4
    .endm
    .macro  ld.qr u, a, i
    s3_word24 0xcd2004 | (n_\u >> 1 & 3) << 20 | (n_\u & 1) << 15 | ((\i / 16) & 15) << 8 | (n_\a & 15) << 4
    .endm
    .macro  st.qr v, a, i
    s3_word24 0xcd6004 | (n_\v >> 1 & 3) << 20 | (n_\v & 1) << 15 | ((\i / 16) & 15) << 8 | (n_\a & 15) << 4
    .endm
    .macro  mv.qr z, s
    s3_word24 0x8f0004 | (n_\z >> 1 & 3) << 20 | (n_\z & 1) << 15 | (n_\s >> 1 & 3) << 10 | (n_\s & 1) << 5
    .endm
    .macro  ee.zero.q z
    s3_word24 0xcd7fa4 | (n_\z >> 1 & 3) << 20 | (n_\z & 1) << 15
    .endm
    .macro  ee.zero.accx
    s3_word24 0x250804
    .endm
    .macro  ee.zero.qacc
    s3_word24 0x250844
    .endm
    .macro  ee.src.q z, s, t
    s3_word24 0xcc0304 | (n_\t >> 1 & 3) << 20 | (n_\t & 1) << 15 | (n_\s & 7) << 12 | (n_\z & 7) << 4
    .endm
    .macro  ee.src.q.qup z, s, t
    s3_word24 0xcc0704 | (n_\t >> 1 & 3) << 20 | (n_\t & 1) << 15 | (n_\s & 7) << 12 | (n_\z & 7) << 4
    .endm
    .macro  ee.src.q.ld.ip u, a, i, s, t
    s3_word32 0xe000000e | ((\i / 16) >> 6 & 3) << 24 | ((\i / 16) >> 2 & 1) << 23 | (n_\t & 7) << 20 | ((\i / 16) >> 5 & 1) << 19 | (n_\u & 7) << 16 | (n_\s & 3) << 14 | ((\i / 16) >> 3 & 3) << 12 | ((\i / 16) & 3) << 8 | (n_\a & 15) << 4 | (n_\s >> 2 & 1) << 0
    .endm
    .macro  ee.srcq.128.st.incp s, t, a
    s3_word24 0xcc0e04 | (n_\t >> 1 & 3) << 20 | (n_\t & 1) << 15 | (n_\s & 7) << 12 | (n_\a & 15) << 4
    .endm
    .macro  ee.vmulas.s8.accx x, y
    s3_word24 0x1a00c4 | (n_\y >> 2 & 1) << 14 | (n_\y & 3) << 11 | (n_\x & 7) << 8
    .endm
    .macro  ee.vmulas.s8.accx.ld.ip u, a, i, x, y
    s3_word32 0xf002000e | ((\i / 16) >> 4 & 3) << 26 | (n_\u >> 1 & 3) << 24 | (n_\y & 1) << 23 | (n_\u & 1) << 19 | (n_\x & 3) << 14 | (n_\y >> 1 & 3) << 12 | ((\i / 16) & 15) << 8 | (n_\a & 15) << 4 | (n_\x >> 2 & 1) << 0
    .endm
    .macro  ee.vmulas.s8.accx.ld.xp u, a, d, x, y
    s3_word32 0xf012000e | (n_\u >> 1 & 3) << 24 | (n_\y & 1) << 23 | (n_\u & 1) << 19 | (n_\x & 3) << 14 | (n_\y >> 1 & 3) << 12 | (n_\d & 15) << 8 | (n_\a & 15) << 4 | (n_\x >> 2 & 1) << 0
    .endm
    .macro  ee.vmulas.s8.accx.ld.ip.qup u, a, i, x, y, s, t
    s3_word32 0x2000000e | ((\i / 16) >> 4 & 3) << 26 | (n_\u >> 1 & 3) << 24 | (n_\y & 1) << 23 | (n_\s & 7) << 20 | (n_\u & 1) << 19 | (n_\t & 7) << 16 | (n_\x & 3) << 14 | (n_\y >> 1 & 3) << 12 | ((\i / 16) & 15) << 8 | (n_\a & 15) << 4 | (n_\x >> 2 & 1) << 0
    .endm
    .macro  ee.vmulas.s8.qacc x, y
    s3_word24 0x1a20c4 | (n_\y >> 2 & 1) << 14 | (n_\y & 3) << 11 | (n_\x & 7) << 8
    .endm
    .macro  ee.vmulas.s8.qacc.ld.ip u, a, i, x, y
    s3_word32 0xf003000e | ((\i / 16) >> 4 & 3) << 26 | (n_\u >> 1 & 3) << 24 | (n_\y & 1) << 23 | (n_\u & 1) << 19 | (n_\x & 3) << 14 | (n_\y >> 1 & 3) << 12 | ((\i / 16) & 15) << 8 | (n_\a & 15) << 4 | (n_\x >> 2 & 1) << 0
    .endm
    .macro  ee.vmulas.s8.qacc.ld.xp u, a, d, x, y
    s3_word32 0xf013000e | (n_\u >> 1 & 3) << 24 | (n_\y & 1) << 23 | (n_\u & 1) << 19 | (n_\x & 3) << 14 | (n_\y >> 1 & 3) << 12 | (n_\d & 15) << 8 | (n_\a & 15) << 4 | (n_\x >> 2 & 1) << 0
    .endm
    .macro  ee.vmulas.s8.qacc.ldbc.incp u, a, x, y
    s3_word24 0xa70004 | (n_\u >> 2 & 1) << 20 | (n_\u >> 1 & 1) << 15 | (n_\y >> 2 & 1) << 14 | (n_\u & 1) << 13 | (n_\y & 3) << 11 | (n_\x & 7) << 8 | (n_\a & 15) << 4
    .endm
    .macro  ee.vmulas.s8.qacc.ld.ip.qup u, a, i, x, y, s, t
    s3_word32 0x3000000e | ((\i / 16) >> 4 & 3) << 26 | (n_\u >> 1 & 3) << 24 | (n_\y & 1) << 23 | (n_\s & 7) << 20 | (n_\u & 1) << 19 | (n_\t & 7) << 16 | (n_\x & 3) << 14 | (n_\y >> 1 & 3) << 12 | ((\i / 16) & 15) << 8 | (n_\a & 15) << 4 | (n_\x >> 2 & 1) << 0
    .endm
    .macro  ee.vsmulas.s8.qacc x, y, n
    s3_word24 0x8e0044 | (\n >> 2 & 3) << 20 | (\n >> 1 & 1) << 15 | (n_\y >> 2 & 1) << 14 | (n_\y & 3) << 11 | (n_\x & 7) << 8 | (\n & 1) << 4
    .endm
    .macro  ee.vsmulas.s8.qacc.ld.incp u, a, x, y, n
    s3_word32 0xe0200c0e | (n_\u >> 1 & 3) << 24 | (n_\y & 1) << 23 | (\n & 1) << 20 | (n_\u & 1) << 19 | (\n >> 1 & 7) << 16 | (n_\x & 3) << 14 | (n_\y >> 1 & 3) << 12 | (n_\a & 15) << 4 | (n_\x >> 2 & 1) << 0
    .endm
    .macro  ee.vmulas.s16.accx x, y
    s3_word24 0x1a0084 | (n_\y >> 2 & 1) << 14 | (n_\y & 3) << 11 | (n_\x & 7) << 8
    .endm
    .macro  ee.vmulas.s16.accx.ld.ip u, a, i, x, y
    s3_word32 0xf000000e | ((\i / 16) >> 4 & 3) << 26 | (n_\u >> 1 & 3) << 24 | (n_\y & 1) << 23 | (n_\u & 1) << 19 | (n_\x & 3) << 14 | (n_\y >> 1 & 3) << 12 | ((\i / 16) & 15) << 8 | (n_\a & 15) << 4 | (n_\x >> 2 & 1) << 0
    .endm
    .macro  ee.vmulas.s16.qacc x, y
    s3_word24 0x1a2084 | (n_\y >> 2 & 1) << 14 | (n_\y & 3) << 11 | (n_\x & 7) << 8
    .endm
    .macro  ee.vmulas.s16.qacc.ld.ip u, a, i, x, y
    s3_word32 0xf001000e | ((\i / 16) >> 4 & 3) << 26 | (n_\u >> 1 & 3) << 24 | (n_\y & 1) << 23 | (n_\u & 1) << 19 | (n_\x & 3) << 14 | (n_\y >> 1 & 3) << 12 | ((\i / 16) & 15) << 8 | (n_\a & 15) << 4 | (n_\x >> 2 & 1) << 0
    .endm
    .macro  ee.vsmulas.s16.qacc x, y, n
    s3_word24 0x8e20c4 | (\n >> 1 & 3) << 20 | (\n & 1) << 15 | (n_\y >> 2 & 1) << 14 | (n_\y & 3) << 11 | (n_\x & 7) << 8
    .endm
    .macro  ee.vsmulas.s16.qacc.ld.incp u, a, x, y, n
    s3_word32 0xe0700c0e | (n_\u >> 1 & 3) << 24 | (n_\y & 1) << 23 | (n_\u & 1) << 19 | (\n & 7) << 16 | (n_\x & 3) << 14 | (n_\y >> 1 & 3) << 12 | (n_\a & 15) << 4 | (n_\x >> 2 & 1) << 0
    .endm
    .macro  ee.vmul.s8 z, x, y
    s3_word24 0x8e2094 | (n_\z >> 1 & 3) << 20 | (n_\z & 1) << 15 | (n_\y >> 2 & 1) << 14 | (n_\y & 3) << 11 | (n_\x & 7) << 8
    .endm
    .macro  ee.vmul.s16 z, x, y
    s3_word24 0x8e2084 | (n_\z >> 1 & 3) << 20 | (n_\z & 1) << 15 | (n_\y >> 2 & 1) << 14 | (n_\y & 3) << 11 | (n_\x & 7) << 8
    .endm
    .macro  ee.srcmb.s8.qacc u, a, n
    s3_word24 0xcd7a04 | (n_\u >> 1 & 3) << 20 | (n_\u & 1) << 15 | (\n & 1) << 10 | (n_\a & 15) << 4
    .endm
    .macro  ee.srcmb.s16.qacc u, a, n
    s3_word24 0xcd7204 | (n_\u >> 1 & 3) << 20 | (n_\u & 1) << 15 | (\n & 1) << 10 | (n_\a & 15) << 4
    .endm
    .macro  ee.srs.accx d, a, n
    s3_word24 0x7e1004 | (\n & 1) << 14 | (n_\d & 15) << 8 | (n_\a & 15) << 4
    .endm
    .macro  rur.accx_0 d
    s3_word24 0xe30000 | (n_\d & 15) << 12
    .endm
    .macro  rur.accx_1 d
    s3_word24 0xe30010 | (n_\d & 15) << 12
    .endm
    .macro  ee.st.qacc_l.l.128.ip a, i
    s3_word24 0xc0004 | ((\i / 16) >> 7 & 1) << 22 | ((\i / 16) & 127) << 8 | (n_\a & 15) << 4
    .endm
    .macro  ee.st.qacc_l.h.32.ip a, i
    s3_word24 0x1d0004 | ((\i / 4) >> 7 & 1) << 22 | ((\i / 4) & 127) << 8 | (n_\a & 15) << 4
    .endm
    .macro  ee.st.qacc_h.l.128.ip a, i
    s3_word24 0xd0004 | ((\i / 16) >> 7 & 1) << 22 | ((\i / 16) & 127) << 8 | (n_\a & 15) << 4
    .endm
    .macro  ee.st.qacc_h.h.32.ip a, i
    s3_word24 0x120004 | ((\i / 4) >> 7 & 1) << 22 | ((\i / 4) & 127) << 8 | (n_\a & 15) << 4
    .endm
    .macro  ee.ld.qacc_l.l.128.ip a, i
    s3_word24 0x4 | ((\i / 16) >> 7 & 1) << 22 | ((\i / 16) & 127) << 8 | (n_\a & 15) << 4
    .endm
    .macro  ee.ld.qacc_l.h.32.ip a, i
    s3_word24 0x160004 | ((\i / 4) >> 7 & 1) << 22 | ((\i / 4) & 127) << 8 | (n_\a & 15) << 4
    .endm
    .macro  ee.ld.qacc_h.l.128.ip a, i
    s3_word24 0x60004 | ((\i / 16) >> 7 & 1) << 22 | ((\i / 16) & 127) << 8 | (n_\a & 15) << 4
    .endm
    .macro  ee.ld.qacc_h.h.32.ip a, i
    s3_word24 0x1e0004 | ((\i / 4) >> 7 & 1) << 22 | ((\i / 4) & 127) << 8 | (n_\a & 15) << 4
    .endm
    .macro  ee.ldqa.s8.128.ip a, i
    s3_word24 0x110004 | ((\i / 16) >> 7 & 1) << 22 | ((\i / 16) & 127) << 8 | (n_\a & 15) << 4
    .endm
    .macro  ee.ldqa.s16.128.ip a, i
    s3_word24 0x10004 | ((\i / 16) >> 7 & 1) << 22 | ((\i / 16) & 127) << 8 | (n_\a & 15) << 4
    .endm
    .macro  ee.mov.s8.qacc s
    s3_word24 0xcd7f34 | (n_\s >> 1 & 3) << 20 | (n_\s & 1) << 15
    .endm
    .macro  ee.mov.s16.qacc s
    s3_word24 0xcd7f24 | (n_\s >> 1 & 3) << 20 | (n_\s & 1) << 15
    .endm
    .macro  ee.movi.32.a s, d, n
    s3_word24 0xcd7104 | (n_\s >> 1 & 3) << 20 | (n_\s & 1) << 15 | (\n & 3) << 10 | (n_\d & 15) << 4
    .endm
    .macro  ee.movi.32.q u, a, n
    s3_word24 0xcd3204 | (n_\u >> 1 & 3) << 20 | (n_\u & 1) << 15 | (\n & 3) << 10 | (n_\a & 15) << 4
    .endm
    .macro  ee.vzip.8 s, t
    s3_word24 0xcc03d4 | (n_\t >> 1 & 3) << 20 | (n_\t & 1) << 15 | (n_\s & 7) << 12
    .endm
    .macro  ee.vzip.16 s, t
    s3_word24 0xcc03b4 | (n_\t >> 1 & 3) << 20 | (n_\t & 1) << 15 | (n_\s & 7) << 12
    .endm
    .macro  ee.vzip.32 s, t
    s3_word24 0xcc03c4 | (n_\t >> 1 & 3) << 20 | (n_\t & 1) << 15 | (n_\s & 7) << 12
    .endm
    .macro  ee.vunzip.8 s, t
    s3_word24 0xcc03a4 | (n_\t >> 1 & 3) << 20 | (n_\t & 1) << 15 | (n_\s & 7) << 12
    .endm
    .macro  ee.vunzip.16 s, t
    s3_word24 0xcc0384 | (n_\t >> 1 & 3) << 20 | (n_\t & 1) << 15 | (n_\s & 7) << 12
    .endm
    .macro  ee.vunzip.32 s, t
    s3_word24 0xcc0394 | (n_\t >> 1 & 3) << 20 | (n_\t & 1) << 15 | (n_\s & 7) << 12
    .endm
    .macro  ee.vadds.s8 z, x, y
    s3_word24 0x8e0084 | (n_\z >> 1 & 3) << 20 | (n_\z & 1) << 15 | (n_\y >> 2 & 1) << 14 | (n_\y & 3) << 11 | (n_\x & 7) << 8
    .endm
    .macro  ee.vadds.s16 z, x, y
    s3_word24 0x8e0064 | (n_\z >> 1 & 3) << 20 | (n_\z & 1) << 15 | (n_\y >> 2 & 1) << 14 | (n_\y & 3) << 11 | (n_\x & 7) << 8
    .endm
    .macro  ee.vadds.s32 z, x, y
    s3_word24 0x8e0074 | (n_\z >> 1 & 3) << 20 | (n_\z & 1) << 15 | (n_\y >> 2 & 1) << 14 | (n_\y & 3) << 11 | (n_\x & 7) << 8
    .endm
    .macro  ee.vadds.s8.ld.incp u, a, z, x, y
    s3_word32 0xe0100c0e | (n_\u >> 1 & 3) << 24 | (n_\y & 1) << 23 | (n_\u & 1) << 19 | (n_\z & 7) << 16 | (n_\x & 3) << 14 | (n_\y >> 1 & 3) << 12 | (n_\a & 15) << 4 | (n_\x >> 2 & 1) << 0
    .endm
    .macro  ee.vsubs.s8 z, x, y
    s3_word24 0x8e20f4 | (n_\z >> 1 & 3) << 20 | (n_\z & 1) << 15 | (n_\y >> 2 & 1) << 14 | (n_\y & 3) << 11 | (n_\x & 7) << 8
    .endm
    .macro  ee.vsubs.s16 z, x, y
    s3_word24 0x8e20d4 | (n_\z >> 1 & 3) << 20 | (n_\z & 1) << 15 | (n_\y >> 2 & 1) << 14 | (n_\y & 3) << 11 | (n_\x & 7) << 8
    .endm
    .macro  ee.vsubs.s32 z, x, y
    s3_word24 0x8e20e4 | (n_\z >> 1 & 3) << 20 | (n_\z & 1) << 15 | (n_\y >> 2 & 1) << 14 | (n_\y & 3) << 11 | (n_\x & 7) << 8
    .endm
    .macro  ee.vmin.s8 z, x, y
    s3_word24 0x8e2074 | (n_\z >> 1 & 3) << 20 | (n_\z & 1) << 15 | (n_\y >> 2 & 1) << 14 | (n_\y & 3) << 11 | (n_\x & 7) << 8
    .endm
    .macro  ee.vmin.s32 z, x, y
    s3_word24 0x8e2064 | (n_\z >> 1 & 3) << 20 | (n_\z & 1) << 15 | (n_\y >> 2 & 1) << 14 | (n_\y & 3) << 11 | (n_\x & 7) << 8
    .endm
    .macro  ee.vmax.s8 z, x, y
    s3_word24 0x8e2044 | (n_\z >> 1 & 3) << 20 | (n_\z & 1) << 15 | (n_\y >> 2 & 1) << 14 | (n_\y & 3) << 11 | (n_\x & 7) << 8
    .endm
    .macro  ee.vmax.s32 z, x, y
    s3_word24 0x8e2034 | (n_\z >> 1 & 3) << 20 | (n_\z & 1) << 15 | (n_\y >> 2 & 1) << 14 | (n_\y & 3) << 11 | (n_\x & 7) << 8
    .endm
    .macro  ee.vmax.s8.st.incp v, a, z, x, y
    s3_word32 0xe508000e | (n_\y & 1) << 23 | (n_\v & 7) << 20 | (n_\z & 7) << 16 | (n_\x & 3) << 14 | (n_\y >> 1 & 3) << 12 | (n_\a & 15) << 4 | (n_\x >> 2 & 1) << 0
    .endm
    .macro  ee.vcmp.lt.s8 z, x, y
    s3_word24 0x8e2014 | (n_\z >> 1 & 3) << 20 | (n_\z & 1) << 15 | (n_\y >> 2 & 1) << 14 | (n_\y & 3) << 11 | (n_\x & 7) << 8
    .endm
    .macro  ee.vcmp.eq.s8 z, x, y
    s3_word24 0x8e00b4 | (n_\z >> 1 & 3) << 20 | (n_\z & 1) << 15 | (n_\y >> 2 & 1) << 14 | (n_\y & 3) << 11 | (n_\x & 7) << 8
    .endm
    .macro  ee.vcmp.gt.s8 z, x, y
    s3_word24 0x8e00e4 | (n_\z >> 1 & 3) << 20 | (n_\z & 1) << 15 | (n_\y >> 2 & 1) << 14 | (n_\y & 3) << 11 | (n_\x & 7) << 8
    .endm
    .macro  ee.vcmp.lt.s16 z, x, y
    s3_word24 0x8e00f4 | (n_\z >> 1 & 3) << 20 | (n_\z & 1) << 15 | (n_\y >> 2 & 1) << 14 | (n_\y & 3) << 11 | (n_\x & 7) << 8
    .endm
    .macro  ee.vcmp.lt.s32 z, x, y
    s3_word24 0x8e2004 | (n_\z >> 1 & 3) << 20 | (n_\z & 1) << 15 | (n_\y >> 2 & 1) << 14 | (n_\y & 3) << 11 | (n_\x & 7) << 8
    .endm
    .macro  ee.vcmp.gt.s32 z, x, y
    s3_word24 0x8e00d4 | (n_\z >> 1 & 3) << 20 | (n_\z & 1) << 15 | (n_\y >> 2 & 1) << 14 | (n_\y & 3) << 11 | (n_\x & 7) << 8
    .endm
    .macro  ee.andq z, x, y
    s3_word24 0xcd3004 | (n_\z >> 1 & 3) << 20 | (n_\z & 1) << 15 | (n_\y >> 1 & 3) << 10 | (n_\x >> 1 & 3) << 6 | (n_\y & 1) << 5 | (n_\x & 1) << 4
    .endm
    .macro  ee.orq z, x, y
    s3_word24 0xcd7004 | (n_\z >> 1 & 3) << 20 | (n_\z & 1) << 15 | (n_\y >> 1 & 3) << 10 | (n_\x >> 1 & 3) << 6 | (n_\y & 1) << 5 | (n_\x & 1) << 4
    .endm
    .macro  ee.xorq z, x, y
    s3_word24 0xcd3104 | (n_\z >> 1 & 3) << 20 | (n_\z & 1) << 15 | (n_\y >> 1 & 3) << 10 | (n_\x >> 1 & 3) << 6 | (n_\y & 1) << 5 | (n_\x & 1) << 4
    .endm
    .macro  ee.notq z, x
    s3_word24 0xcd7f04 | (n_\z >> 1 & 3) << 20 | (n_\z & 1) << 15 | (n_\x >> 1 & 3) << 6 | (n_\x & 1) << 4
    .endm
    .macro  ee.vsl.32 z, s
    s3_word24 0xcd3f04 | (n_\s >> 1 & 3) << 20 | (n_\s & 1) << 15 | (n_\z & 7) << 4
    .endm
    .macro  ee.vsr.32 z, s
    s3_word24 0xcd3f84 | (n_\s >> 1 & 3) << 20 | (n_\s & 1) << 15 | (n_\z & 7) << 4
    .endm
    .macro  ee.vrelu.s8 s, a, d
    s3_word24 0xcd5004 | (n_\s >> 1 & 3) << 20 | (n_\s & 1) << 15 | (n_\a & 15) << 8 | (n_\d & 15) << 4
    .endm
    .macro  wur.sar_byte d
    s3_word24 0xf30d00 | (n_\d & 15) << 4
    .endm
    .macro  rur.sar_byte d
    s3_word24 0xe300d0 | (n_\d & 15) << 12
    .endm
    .macro  ee.vcmp.gt.s16 z, x, y
    s3_word24 0x8e00c4 | (n_\z >> 1 & 3) << 20 | (n_\z & 1) << 15 | (n_\y >> 2 & 1) << 14 | (n_\y & 3) << 11 | (n_\x & 7) << 8
    .endm

#endif

#endif
