/* Activations to int16, see mcuq_mac16_widen.h. 127 - x is x with its lower seven bits inverted, as an unsigned byte. */
#include "mcuq_mac16_isa.h"

#if MCUQ_MAC16

#include "mcuq_mac16_asm.h"

/* mcuq_mac16_planes */
#define PIXELS    0
#define ROWS      4
#define FROM_STEP 8
#define FROM_ROW  12
#define TO_STEP   16
#define PLANE     20

/* a14 0x7f7f7f7f, a15 0x00ff00ff; a13 temporary */
    .macro  masks
    movi    a14, 127
    movi    a15, 255
    slli    a13, a14, 8
    or      a14, a14, a13
    slli    a13, a14, 16
    or      a14, a14, a13
    slli    a13, a15, 16
    or      a15, a15, a13
    .endm

/* Four bytes at a2 + 4 * i to words at a5 + 8 * i. */
    .macro  four i
    l32i    a10, a2, 4 * \i
    xor     a10, a10, a14
    srli    a11, a10, 8
    and     a10, a10, a15
    and     a11, a11, a15
    s32i    a10, a5, 8 * \i
    s32i    a11, a5, 8 * \i + 4
    .endm

/* Bytes at a2 to a10 (0 and 2) and a11 (1 and 3) for any a2; a14 is 0x7f7f7f7f, a15 0x00ff00ff; a12 is lost. */
    .macro  bytes
    l8ui    a10, a2, 0
    l8ui    a12, a2, 2
    l8ui    a11, a2, 1
    slli    a12, a12, 16
    or      a10, a10, a12
    l8ui    a12, a2, 3
    xor     a10, a10, a14
    slli    a12, a12, 16
    or      a11, a11, a12
    and     a10, a10, a15
    xor     a11, a11, a14
    and     a11, a11, a15
    .endm


/* a2 from   a3 count   a4 columns   a5 to   a6 bytes left out there   a7 and here   a8 pairs   a9 is count odd */
    function mcuq_mac16_widen, 0
    movi    a14, 127
    srli    a8, a3, 1
    extui   a9, a3, 0, 1
.Lwiden_column:
    loopgtz_ a8, .Lwiden_pairs
    l8ui    a10, a2, 0
    l8ui    a11, a2, 1
    addi    a2, a2, 2
    xor     a10, a10, a14
    xor     a11, a11, a14
    s16i    a10, a5, 0
    s16i    a11, a5, 2
    addi    a5, a5, 4
.Lwiden_pairs:
    addi    a4, a4, -1
    beqz    a9, .Lwiden_even
    l8ui    a10, a2, 0
    addi    a2, a2, 1
    xor     a10, a10, a14
    s16i    a10, a5, 0
    addi    a5, a5, 2
.Lwiden_even:
    add     a2, a2, a6
    add     a5, a5, a7
    bnez    a4, .Lwiden_column
    return  0
    end_function mcuq_mac16_widen

/* a2 from   a3 fours   a4 columns   a5 to   a6 bytes left out there   a7 and here   a8 fours / 2   a9 fours % 2 */
    function mcuq_mac16_widen_fours, 0
    masks
    srli    a8, a3, 1
    extui   a9, a3, 0, 1
    or      a10, a2, a6
    extui   a10, a10, 0, 2
    bnez    a10, .Lfours_bytes
.Lfours_column:
    loopgtz_ a8, .Lfours_pairs
    four    0
    four    1
    addi    a2, a2, 8
    addi    a5, a5, 16
.Lfours_pairs:
    addi    a4, a4, -1
    beqz    a9, .Lfours_even
    four    0
    addi    a2, a2, 4
    addi    a5, a5, 8
.Lfours_even:
    add     a2, a2, a6
    add     a5, a5, a7
    bnez    a4, .Lfours_column
    j       .Lfours_return
.Lfours_bytes:
    loopgtz_ a3, .Lfours_done
    bytes
    addi    a2, a2, 4
    s32i    a10, a5, 0
    s32i    a11, a5, 4
    addi    a5, a5, 8
.Lfours_done:
    addi    a4, a4, -1
    add     a2, a2, a6
    add     a5, a5, a7
    bnez    a4, .Lfours_bytes
.Lfours_return:
    return  0
    end_function mcuq_mac16_widen_fours

/* a2 from   a3 rows   a4 pixels   a5, a13 to, both planes   a6 bytes to the next pixel there   a7 and here
 * a8 beginning of the row there   a9 and here   locals: bytes to the next row there, to the second plane */
    function mcuq_mac16_widen_planes, 16
    l32i    a10, a2, FROM_ROW
    l32i    a11, a2, PLANE
    mov     a8, a3
    mov     a9, a4
    s32i    a10, sp, 0
    s32i    a11, sp, 4
    l32i    a3, a2, ROWS
    l32i    a4, a2, PIXELS
    l32i    a6, a2, FROM_STEP
    l32i    a7, a2, TO_STEP
    masks
    or      a10, a8, a6
    l32i    a11, sp, 0
    or      a10, a10, a11
    extui   a10, a10, 0, 2
    bnez    a10, .Lplanes_bytes
.Lplanes_row:
    l32i    a13, sp, 4
    mov     a2, a8
    mov     a5, a9
    add     a13, a13, a9
    loopgtz_ a4, .Lplanes_row_done
    l32i    a10, a2, 0
    add     a2, a2, a6
    xor     a10, a10, a14
    srli    a11, a10, 8
    and     a10, a10, a15
    and     a11, a11, a15
    s32i    a10, a5, 0
    s32i    a11, a13, 0
    add     a5, a5, a7
    add     a13, a13, a7
.Lplanes_row_done:
    l32i    a10, sp, 0
    addi    a3, a3, -1
    addi    a9, a9, 4
    add     a8, a8, a10
    bnez    a3, .Lplanes_row
    j       .Lplanes_return
.Lplanes_bytes:
    l32i    a13, sp, 4
    mov     a2, a8
    mov     a5, a9
    add     a13, a13, a9
    loopgtz_ a4, .Lplanes_bytes_done
    bytes
    add     a2, a2, a6
    s32i    a10, a5, 0
    s32i    a11, a13, 0
    add     a5, a5, a7
    add     a13, a13, a7
.Lplanes_bytes_done:
    l32i    a10, sp, 0
    addi    a3, a3, -1
    addi    a9, a9, 4
    add     a8, a8, a10
    bnez    a3, .Lplanes_bytes
.Lplanes_return:
    return  16
    end_function mcuq_mac16_widen_planes

#endif
