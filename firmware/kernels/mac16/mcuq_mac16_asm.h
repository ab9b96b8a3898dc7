/* What the MAC16 cores (mcuq_mac16_*_asm.S) share: entry and return, MAC16 and loop instructions, requantization.
 *
 * MAC16's registers and the loop registers are part of a task's state under ESP-IDF: these functions may be called from
 * tasks, not from interrupt handlers. MCUQ_KERNEL_SECTION, a section's name, puts them elsewhere: .iram1.mcuq into
 * internal RAM, where they run at full speed whatever the flash cache holds.
 *
 * Accumulators: MAC16 has one of 40 bits. Weights are multiplied in as int16 of 256 times their value (a byte in the
 * upper half is its own sign extension), so that it holds 256 * acc; of which the lower 32 bits are read, since `lower`
 * proves |acc| < 2^23 - 2^9 for every input. On the way there sums may exceed 32 bits, even 40: addition modulo 2^32
 * does not care. All cores negate: x goes in as 127 - x (0..255), so that they hold -256 * acc; the multiplier is
 * negated as well, which gives the same product, and fits 16-bit pieces (below).
 *
 * What no emulator runs is `mulsh` in `multiply_high`. The lines for a windowed ABI in `function` and `return` run only
 * in tests/kernels/mac16/test_assembly.py, called through trampolines. */
#ifndef MCUQ_MAC16_ASM_H
#define MCUQ_MAC16_ASM_H
/* clang-format off */

#ifndef MCUQ_KERNEL_SECTION
#define MCUQ_KERNEL_SECTION .text.mcuq_mac16
#endif

    .section MCUQ_KERNEL_SECTION, "ax"

/* A function with `locals` bytes (a multiple of 16) from sp on; a2..a15 are then free to use. Loops written as bytes
 * need code that stays as it is; the ESP32's assembler must be free to align its loops as the chip wants them. */
    .macro  function name, locals
#if defined(MCUQ_MAC16_EMULATED)
    .begin  no-transform
#endif
    .align  4
    .global \name
    .type   \name, @function
\name:
#if defined(__XTENSA_WINDOWED_ABI__)
    entry   sp, 32 + \locals
#else
    addi    sp, sp, -16 - \locals
    s32i    a12, sp, \locals
    s32i    a13, sp, \locals + 4
    s32i    a14, sp, \locals + 8
    s32i    a15, sp, \locals + 12
#endif
    .endm

    .macro  return locals
#if defined(__XTENSA_WINDOWED_ABI__)
    retw
#else
    l32i    a12, sp, \locals
    l32i    a13, sp, \locals + 4
    l32i    a14, sp, \locals + 8
    l32i    a15, sp, \locals + 12
    addi    sp, sp, 16 + \locals
    ret
#endif
    .endm

    .macro  end_function name
    .size   \name, . - \name
#if defined(MCUQ_MAC16_EMULATED)
    .end    no-transform
#endif
    .endm

#if !defined(MCUQ_MAC16_EMULATED)

    .macro  mula_dd_ldinc half, w, s, x, y
    mula.dd.\half\().ldinc \w, \s, \x, \y
    .endm
    .macro  mula_dd half, x, y
    mula.dd.\half \x, \y
    .endm
    .macro  mula_da_ldinc half, w, s, x, t
    mula.da.\half\().ldinc \w, \s, \x, \t
    .endm
    .macro  mula_da half, x, t
    mula.da.\half \x, \t
    .endm
    .macro  ldinc_ w, s
    ldinc   \w, \s
    .endm
    .macro  wsr_acclo t
    wsr.acclo \t
    .endm
    .macro  rsr_acclo t
    rsr.acclo \t
    .endm
    .macro  wsr_m w, t
    wsr.\w  \t
    .endm
    .macro  rsr_m w, t
    rsr.\w  \t
    .endm
    .macro  loopgtz_ s, end
    loopgtz \s, \end
    .endm
    .macro  clamp_to_int8 r, s
    clamps  \r, \s, 7
    .endm
    .macro  clamp_to_int16 r, s
    clamps  \r, \s, 15
    .endm
    .macro  min_ r, s, t
    min     \r, \s, \t
    .endm
    .macro  max_ r, s, t
    max     \r, \s, \t
    .endm

#else /* bytes for an assembler that does not know the instructions: op2 op1 r s t op0, four bits each */

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
    .set    n_m0, 0
    .set    n_m1, 1
    .set    n_m2, 2
    .set    n_m3, 3
    .set    n_ll, 0
    .set    n_hl, 1
    .set    n_lh, 2
    .set    n_hh, 3

    .macro  instruction op2, op1, r, s, t, op0
    .byte   (\t) << 4 | (\op0), (\r) << 4 | (\s), (\op2) << 4 | (\op1)
    .endm
    .macro  mula_dd_ldinc half, w, s, x, y
    instruction 0, 8 + n_\half, n_\x << 2 | n_\w, n_\s, (n_\y & 1) << 2, 4
    .endm
    .macro  mula_dd half, x, y
    instruction 2, 8 + n_\half, n_\x << 2, 0, (n_\y & 1) << 2, 4
    .endm
    .macro  mula_da_ldinc half, w, s, x, t
    instruction 4, 8 + n_\half, n_\x << 2 | n_\w, n_\s, n_\t, 4
    .endm
    .macro  mula_da half, x, t
    instruction 6, 8 + n_\half, n_\x << 2, 0, n_\t, 4
    .endm
    .macro  mula_aa half, s, t
    instruction 7, 8 + n_\half, 0, n_\s, n_\t, 4
    .endm
    .macro  mul_aa half, s, t
    instruction 7, 4 + n_\half, 0, n_\s, n_\t, 4
    .endm
    .macro  ldinc_ w, s
    instruction 8, 0, n_\w, n_\s, 0, 4
    .endm
    .macro  wsr_acclo t
    instruction 1, 3, 1, 0, n_\t, 0
    .endm
    .macro  rsr_acclo t
    instruction 0, 3, 1, 0, n_\t, 0
    .endm
    .macro  wsr_m w, t
    instruction 1, 3, 2, n_\w, n_\t, 0
    .endm
    .macro  rsr_m w, t
    instruction 0, 3, 2, n_\w, n_\t, 0
    .endm
    .macro  loopgtz_ s, end
.Lloop\@:
    .byte   0x76, 0xa0 | n_\s, \end - .Lloop\@ - 4
    .endm
    .macro  clamp_to_int8 r, s
    instruction 3, 3, n_\r, n_\s, 0, 0
    .endm
    .macro  clamp_to_int16 r, s
    instruction 3, 3, n_\r, n_\s, 8, 0
    .endm
    .macro  min_ r, s, t
    instruction 4, 3, n_\r, n_\s, n_\t, 0
    .endm
    .macro  max_ r, s, t
    instruction 5, 3, n_\r, n_\s, n_\t, 0
    .endm

#endif

/* Requantization, exactly TFLite's two roundings (mcuq_fixedpoint.h). With the real multiplier m * 2^(-31 - e):
 *
 *   t = floor(256 * acc * m / 2^32) = floor(acc * m / 2^24)
 *   output = (t + rounding) >> (e + 7), rounding = 64 * (1 + 2^e) + zero_point * 2^(e + 7), 128 less where t < 0
 *
 * The first rounding is h = floor((acc * m + 2^30) / 2^31), the second (h + 2^(e-1) - (h < 0)) >> e for e >= 1; put
 * together, (floor(acc * m / 2^30) + 1 + 2^e - 2 * (h < 0)) >> (e + 1), and t has six more bits. Where t < 0 but h = 0,
 * the 128 change nothing: the sum shifts to 0 in either case. They may stay where a result below the zero point is
 * clamped to it anyway. `lower` proves that t + rounding stays within 32 bits.
 *
 * In the registers: acc = -256 * acc, as multiply_high takes it, and m as prepare_multiplier leaves it. */
#if !defined(MCUQ_MAC16_EMULATED)

/* What is accumulated begins with 256 times the bias, here in b. */
    .macro  prepare_bias b, temporary
    .endm
    .macro  prepare_multiplier m, temporary
    neg     \m, \m
    .endm
    .macro  multiply_high r, acc, m, temporary, plain=
    mulsh   \r, \acc, \m
    .endm

#else

/* The same from signed 16-bit pieces: with acc = h * 2^16 + l and -m = H * 2^16 + L, l and L in -2^15..2^15-1,
 *
 *   floor(acc * -m / 2^32) = h * H + floor((h * L + l * H + floor(l * L / 2^16)) / 2^16)
 *
 * where the sum in the middle stays within 32 bits. h is the upper half of acc + 2^15. The accumulator holds 2^16 more
 * than acc, whose lower half is the same, for then 2^15 is subtracted to get there, which one instruction can. H lies in
 * -2^15..-2^14 as m < 2^31; it would be 2^15, which is no int16, for some m that are not negated. Both pieces lie in one
 * register, and MAC16 picks them. A `plain` acc holds nothing more. */
    .macro  prepare_bias b, temporary
    movi    \temporary, 1
    slli    \temporary, \temporary, 16
    add     \b, \b, \temporary
    .endm
    .macro  prepare_multiplier m, temporary
    neg     \m, \m
    extui   \temporary, \m, 15, 1
    slli    \temporary, \temporary, 16
    add     \m, \m, \temporary
    .endm
    .macro  multiply_high r, acc, m, temporary, plain=
    mul16s  \temporary, \acc, \m
    srai    \temporary, \temporary, 16
    wsr_acclo \temporary
    mula_aa lh, \acc, \m
    .ifb    \plain
    addmi   \r, \acc, -32768
    .else
    addmi   \r, \acc, 32512
    addmi   \r, \r, 256
    .endif
    mula_aa hl, \r, \m
    rsr_acclo \temporary
    srai    \temporary, \temporary, 16
    mul_aa  hh, \r, \m
    rsr_acclo \r
    add     \r, \r, \temporary
    .endm

#endif

/* What a channel needs besides its multiplier, from its bias word: 256 times the bias in b, the rounding, and SAR, which
 * is e + 7. `odd` is 2 * zero_point + 1. The word's lower 8 bits are e + 6.
 *
 * Where weights go in 2^q times larger still, so does the bias, and e is q more: t then has q more bits, and so must the
 * rounding. `half` is a local with 64 * 2^q, and 128 * 2^q less is what rounds where t < 0. */
    .macro  prepare_channel b, rounding, odd, temporary, half=
    prepare_rounding \b, \rounding, \odd, \temporary, \half
    prepare_bias \b, \temporary
    .endm

/* The same without what begins with the bias: b is 256 times the bias as it is. */
    .macro  prepare_rounding b, rounding, odd, temporary, half=
    extui   \temporary, \b, 0, 5
    sub     \b, \b, \temporary
    ssl     \temporary
    addi    \temporary, \temporary, 1
    sll     \rounding, \odd
    ssr     \temporary
    .ifb    \half
    addi    \rounding, \rounding, 64
    .else
    l32i    \temporary, sp, \half
    add     \rounding, \rounding, \temporary
    .endif
    .endm

/* Where these offsets are the same in all cores: locals from sp. */
#define NEGATIVE 0 /* rounding where t is negative */
#define LOWEST   4
#define HIGHEST  8
#define STYLE    12 /* how results are limited: */

#define PLAIN   0 /* to int8, of which the zero point is the lowest, so that negative results need no care */
#define SIGNED  1 /* to int8 */
#define LIMITED 2 /* to what the kernel is told */

/* Put limits and style of min, max and zero_point into the locals; a register more is lost, `one` is 1. */
    .macro  prepare_style min, max, zero_point, one
    s32i    \min, sp, LOWEST
    s32i    \max, sp, HIGHEST
    sub     \max, \max, \min
    sub     \zero_point, \zero_point, \min
    addi    \max, \max, -127
    addi    \max, \max, -128
    movi    \one, SIGNED
    movnez  \zero_point, \one, \zero_point
    movi    \one, LIMITED
    movnez  \zero_point, \one, \max
    s32i    \zero_point, sp, STYLE
    movi    \one, 1
    .endm

/* t to an output, see above; `temporary` and `other` are lost. */
    .macro  round_and_limit style, t, rounding, temporary, other
    .if     \style == PLAIN
    add     \t, \t, \rounding
    .else
    l32i    \temporary, sp, NEGATIVE
    .if     \style == LIMITED
    l32i    \other, sp, LOWEST
    .endif
    movgez  \temporary, \rounding, \t
    add     \t, \t, \temporary
    .endif
    .if     \style == LIMITED
    l32i    \temporary, sp, HIGHEST
    sra     \t, \t
    max_    \t, \t, \other
    min_    \t, \t, \temporary
    .else
    sra     \t, \t
    clamp_to_int8 \t, \t
    .endif
    .endm

#endif
