/* The ESP32's cores follow the windowed ABI, the code that calls them here the other one; and mulsh of xtensa_esp32.h. */
#define WINDOWSTART 73
#define PS 230
#define WINDOWED 18 /* its bit that enables windows */

    .text
    .macro  windowed name
    .align  4
    .literal_position
    .global \name
\name:
    addi    sp, sp, -32
    s32i    a0, sp, 0
    s32i    a12, sp, 4
    s32i    a13, sp, 8
    s32i    a14, sp, 12
    s32i    a15, sp, 16
    rsr     a9, PS
    movi    a8, 1 << WINDOWED
    or      a8, a8, a9
    s32i    a9, sp, 20
    wsr     a8, PS
    movi    a8, 1 /* this window is the first: nobody has set it, for nobody here needs windows */
    .byte   0x80, WINDOWSTART, 0x13 /* wsr a8 */
    rsync
    mov     a10, a2
    mov     a11, a3
    mov     a12, a4
    mov     a13, a5
    mov     a14, a6
    mov     a15, a7
    movi    a8, esp32_\name
    .byte   0xe0, 0x08, 0x00 /* callx8 a8 */
    l32i    a9, sp, 20
    wsr     a9, PS
    rsync
    l32i    a0, sp, 0
    l32i    a12, sp, 4
    l32i    a13, sp, 8
    l32i    a14, sp, 12
    l32i    a15, sp, 16
    addi    sp, sp, 32
    ret
    .endm

#include "xtensa_functions.h" /* of every core: windowed <name> */

/* The upper half of the product of the words at sp and sp + 4, to sp + 8. */
    .align  4
    .global esp32_mulsh
esp32_mulsh:
    s32i    a11, sp, 16
    s32i    a12, sp, 20
    s32i    a13, sp, 24
    s32i    a14, sp, 28
    s32i    a15, sp, 32
    l32i    a12, sp, 0
    l32i    a13, sp, 4
    extui   a14, a12, 0, 16
    extui   a15, a13, 0, 16
    mull    a11, a14, a15
    extui   a11, a11, 16, 16
    srai    a12, a12, 16
    mull    a15, a12, a15
    add     a15, a15, a11
    srai    a13, a13, 16
    mull    a14, a14, a13
    extui   a11, a15, 0, 16
    add     a14, a14, a11
    srai    a14, a14, 16
    srai    a15, a15, 16
    mull    a12, a12, a13
    add     a12, a12, a15
    add     a12, a12, a14
    s32i    a12, sp, 8
    l32i    a11, sp, 16
    l32i    a12, sp, 20
    l32i    a13, sp, 24
    l32i    a14, sp, 28
    l32i    a15, sp, 32
    ret
