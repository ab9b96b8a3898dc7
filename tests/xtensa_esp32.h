/* The ESP32's instructions as macros, for assembling what an ESP32 gets with the ESP8266's assembler. What QEMU's core
 * lacks of them, mulsh, is a call. Written from the instruction tables, not from mcuq_mac16_asm.h. */
#ifndef XTENSA_ESP32_H
#define XTENSA_ESP32_H
/* clang-format off */

#undef __XTENSA_CALL0_ABI__
#define __XTENSA_WINDOWED_ABI__ 1

    .irp    number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    .set    number_a\number, \number
    .endr
    .set    number_sp, 1
    .irp    number, 0, 1, 2, 3
    .set    number_m\number, \number
    .endr

    .macro  encoded value
    .byte   (\value) & 255, ((\value) >> 8) & 255, (\value) >> 16
    .endm

    .macro  with_half half, code
    .macro  mula.dd.\half\().ldinc w, s, x, y
    encoded 0x080004 | \code << 16 | number_\x << 14 | number_\w << 12 | number_\s << 8 | (number_\y - 2) << 6
    .endm
    .macro  mula.dd.\half x, y
    encoded 0x280004 | \code << 16 | number_\x << 14 | (number_\y - 2) << 6
    .endm
    .macro  mula.da.\half\().ldinc w, s, x, t
    encoded 0x480004 | \code << 16 | number_\x << 14 | number_\w << 12 | number_\s << 8 | number_\t << 4
    .endm
    .macro  mula.da.\half x, t
    encoded 0x680004 | \code << 16 | number_\x << 14 | number_\t << 4
    .endm
    .endm
    with_half ll, 0
    with_half hl, 1
    with_half lh, 2
    with_half hh, 3

    .irp    w, 0, 1, 2, 3
    .macro  wsr.m\w t
    encoded 0x132000 | \w << 8 | number_\t << 4
    .endm
    .macro  rsr.m\w t
    encoded 0x032000 | \w << 8 | number_\t << 4
    .endm
    .endr
    .macro  ldinc w, s
    encoded 0x800004 | number_\w << 12 | number_\s << 8
    .endm
    .macro  wsr.acclo t
    encoded 0x131000 | number_\t << 4
    .endm
    .macro  rsr.acclo t
    encoded 0x031000 | number_\t << 4
    .endm
    .macro  clamps r, s, bit
    encoded 0x330000 | number_\r << 12 | number_\s << 8 | (\bit - 7) << 4
    .endm
    .macro  min r, s, t
    encoded 0x430000 | number_\r << 12 | number_\s << 8 | number_\t << 4
    .endm
    .macro  max r, s, t
    encoded 0x530000 | number_\r << 12 | number_\s << 8 | number_\t << 4
    .endm
    .macro  loopgtz s, end
.Lloopgtz\@:
    .byte   0x76, 0xa0 | number_\s, \end - .Lloopgtz\@ - 4
    .endm
    .macro  entry s, bytes
    encoded 0x000036 | (\bytes) / 8 << 12 | number_\s << 8
    .endm
    .macro  retw
    encoded 0x000090
    .endm

/* All registers but r are as before. */
    .macro  mulsh r, s, t
    addi    sp, sp, -64
    s32i    \s, sp, 0
    s32i    \t, sp, 4
    s32i    a0, sp, 12
    call0   esp32_mulsh
    l32i    a0, sp, 12
    l32i    \r, sp, 8
    addi    sp, sp, 64
    .endm

#endif
