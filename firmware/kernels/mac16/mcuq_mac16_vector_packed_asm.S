/* A vector times a matrix with MAC16, 2 or 4 bits per weight, which come from flash once. See mcuq_mac16_vector_packed.h.
 *
 * A byte d1 d0 of two integers (d0 unsigned), in the upper half of an int16, is 2^12 * d1 + 2^8 * d0. One mask makes
 * 2^8 * d0 of it, and with a[] as in the header
 *
 *   a1 * (2^12 * d1 + 2^8 * d0) + (2^4 * a0 - a1) * 2^8 * d0 = 2^12 * (a1 * d1 + a0 * d0)
 *
 * where all factors are int16. Of four integers it takes three masks. Indices are looked up two at a time, as int16. */
#include "mcuq_mac16_isa.h"

#if MCUQ_MAC16

#include "mcuq_mac16_asm.h"

/* mcuq_mac16_vector_packed */
#define WEIGHTS     0
#define BIAS        4
#define MULTIPLIER  8
#define PER_CHANNEL 12
#define CHANNELS    16
#define WORDS       20
#define X           24
#define ADDITION    28
#define OUTPUT      32
#define ZERO_POINT  36
#define MIN         40
#define MAX         44
#define BITS        48
#define PAIRS       52
#define CODEBOOK    56
#define PER_GROUP   60

/* Locals, from sp, behind those of mcuq_mac16_asm.h */
#define VECTOR        16
#define NEXT_SCALE    20 /* multiplier */
#define NEXT_OUTPUT   24
#define NEXT_CODEBOOK 28
#define ODD           32 /* 2 * zero point + 1 */
#define HALF          36 /* 64, times what weights are larger than bytes */
#define LEFT          40 /* channels */
#define BEGIN_X       44 /* x - 4 */
#define LOCALS        48

/* Both halves of the weights in a register times those of x in m0 or m1, which then has the word of x after the next. */
    .macro  halves x, weights
    mula_da ll, \x, \weights
    mula_da_ldinc hh, \x, a2, \x, \weights
    .endm

/* The same where no word of x follows but that in the other register, or none. */
    .macro  last_halves x, weights
    mula_da ll, \x, \weights
    mula_da hh, \x, \weights
    .endm

/* A word in m2, before another one. */
    .macro  first_of_word
    rsr_m   m2, a12
    and     a13, a12, a4
    mula_da_ldinc ll, m2, a3, m0, a13
    mula_da_ldinc hh, m0, a2, m0, a13
    .endm

/* The last word. */
    .macro  first_of_last_word
    rsr_m   m2, a12
    and     a13, a12, a4
    halves  m0, a13
    .endm

/* The rest of a word; `ends` treats its last two words of x. */
    .macro  rest_4 ends
    and     a13, a12, a6
    halves  m1, a13
    slli    a12, a12, 8
    and     a13, a12, a4
    \ends   m0, a13
    and     a13, a12, a6
    \ends   m1, a13
    .endm

    .macro  rest_2 ends
    and     a13, a12, a6
    halves  m1, a13
    and     a13, a12, a7
    halves  m0, a13
    and     a13, a12, a9
    halves  m1, a13
    slli    a12, a12, 8
    and     a13, a12, a4
    halves  m0, a13
    and     a13, a12, a6
    halves  m1, a13
    and     a13, a12, a7
    \ends   m0, a13
    and     a13, a12, a9
    \ends   m1, a13
    .endm

    .macro  integers rest
    ldinc_  m2, a3
    ldinc_  m0, a2
    ldinc_  m1, a2
    loopgtz_ a5, .Llast\@
    first_of_word
    \rest   halves
.Llast\@:
    first_of_last_word
    \rest   last_halves
    .endm

/* The products of the pairs before, while those at a12 and a13 are loaded. */
    .macro  two_pairs
    addx4   a12, a12, a4
    addx4   a13, a13, a4
    mula_dd_ldinc ll, m3, a12, m0, m2
    mula_dd_ldinc hh, m1, a2, m0, m2
    mula_dd_ldinc ll, m2, a13, m1, m3
    mula_dd_ldinc hh, m0, a2, m1, m3
    .endm

    .macro  pairs_4
    .irp    n, 0, 2
    l8ui    a12, a3, \n
    l8ui    a13, a3, \n + 1
    two_pairs
    .endr
    .endm

    .macro  pairs_2
    l32i    a14, a3, 0
    .irp    n, 0, 2, 4, 6
    extui   a12, a14, 4 * \n, 4
    extui   a13, a14, 4 * \n + 4, 4
    two_pairs
    .endr
    .endm

    .macro  pairs word
    loopgtz_ a5, .Lpairs\@
    \word
    addi    a3, a3, 4
.Lpairs\@:
    mula_dd ll, m0, m2
    mula_dd hh, m0, m2
    .endm

/* A mask for the upper bits of both halves, but `bits` of them: a4 is 0xff00ff00. */
    .macro  mask to, bits
    srli    \to, a4, \bits
    and     \to, \to, a4
    .endm

/* a2 x   a3 weights: where the next word is, less 4 for integers   a4 mask 0xff00ff00, or pairs - 4
 * a5 words, for integers but the last   a6, a7, a9 masks for fewer bits   a8 bias   a10 multiplier   a11 rounding
 * a12..a14 temporary   a15 addition, 256 times, and larger   m0, m1 x; m2, m3 weights; SAR shift */
    function mcuq_mac16_vector_packed_run, LOCALS
    s32i    a2, sp, VECTOR
    l32i    a3, a2, MULTIPLIER
    l32i    a4, a2, OUTPUT
    l32i    a5, a2, CODEBOOK
    l32i    a6, a2, CHANNELS
    s32i    a3, sp, NEXT_SCALE
    s32i    a4, sp, NEXT_OUTPUT
    s32i    a5, sp, NEXT_CODEBOOK
    s32i    a6, sp, LEFT
    l32i    a3, a2, X
    l32i    a4, a2, MIN
    l32i    a5, a2, MAX
    l32i    a6, a2, ZERO_POINT
    addi    a3, a3, -4
    movi    a7, 1
    addx2   a6, a6, a7
    s32i    a3, sp, BEGIN_X
    s32i    a4, sp, LOWEST
    s32i    a5, sp, HIGHEST
    s32i    a6, sp, ODD
    l32i    a3, a2, WEIGHTS
    l32i    a5, a2, WORDS
    l32i    a8, a2, BIAS
    l32i    a10, a2, BITS
    l32i    a13, a2, PAIRS
    l32i    a15, a2, ADDITION
    movi    a14, 64
    slli    a15, a15, 8
    bnez    a13, .Lready
    addi    a3, a3, -4
    addi    a5, a5, -1
    movi    a4, 255
    slli    a4, a4, 8
    slli    a6, a4, 16
    or      a4, a4, a6
    movi    a12, 8
    sub     a12, a12, a10
    ssl     a12
    sll     a14, a14
    sll     a15, a15
    mask    a6, 4
    bbsi    a10, 2, .Lready
    mask    a6, 2
    mask    a7, 4
    mask    a9, 6
.Lready:
    s32i    a14, sp, HALF

.Lchannel:
    l32i    a2, sp, VECTOR
    l32i    a14, sp, NEXT_SCALE
    l32i    a12, a8, 0
    l32i    a10, a14, 0
    l32i    a13, a2, PER_CHANNEL
    addi    a8, a8, 4
    addx4   a14, a13, a14
    s32i    a14, sp, NEXT_SCALE
    prepare_multiplier a10, a13
    l32i    a13, sp, ODD
    prepare_channel a12, a11, a13, a14, HALF
    l32i    a13, sp, HALF
    add     a12, a12, a15
    wsr_acclo a12
    slli    a13, a13, 1
    sub     a13, a11, a13
    s32i    a13, sp, NEGATIVE
    l32i    a14, a2, BITS
    l32i    a13, a2, PAIRS
    addi    a14, a14, -4
    beqz    a13, .Lintegers

    l32i    a6, sp, NEXT_CODEBOOK
    l32i    a7, a2, PER_GROUP
    addi    a4, a13, -4
    l8ui    a13, a6, 0
    add     a6, a6, a7
    s32i    a6, sp, NEXT_CODEBOOK
    l32i    a2, sp, BEGIN_X
    movi    a12, 0
    wsr_m   m0, a12
    wsr_m   m2, a12
    bnez    a14, .Lpairs_2
    slli    a13, a13, 10
    add     a4, a4, a13
    pairs   pairs_4
    j       .Lsum
.Lpairs_2:
    slli    a13, a13, 6
    add     a4, a4, a13
    pairs   pairs_2
    j       .Lsum

.Lintegers:
    l32i    a2, sp, BEGIN_X
    bnez    a14, .Lintegers_2
    integers rest_4
    j       .Lsum
.Lintegers_2:
    integers rest_2
.Lsum:
    rsr_acclo a12
    multiply_high a13, a12, a10, a14
    round_and_limit LIMITED, a13, a11, a12, a14
    l32i    a12, sp, NEXT_OUTPUT
    l32i    a14, sp, LEFT
    s8i     a13, a12, 0
    addi    a12, a12, 1
    addi    a14, a14, -1
    s32i    a12, sp, NEXT_OUTPUT
    s32i    a14, sp, LEFT
    beqz    a14, .Ldone
    j       .Lchannel
.Ldone:
    return  LOCALS
    end_function mcuq_mac16_vector_packed_run

#endif
