/* Depthwise channels of one window with MAC16: eight instructions for two taps, and nothing to prepare. See
 * mcuq_mac16_window.h.
 *
 * A window is seen once, so that it does not pay to widen it or its weights first: bytes of x become 127 - x one by one,
 * and weights are int16 in flash. */
#include "mcuq_mac16_isa.h"

#if MCUQ_MAC16

#include "mcuq_mac16_asm.h"

/* mcuq_mac16_window */
#define WEIGHTS     0
#define BIAS        4
#define MULTIPLIER  8
#define PER_CHANNEL 12
#define CHANNELS    16
#define TAPS        20
#define X           24
#define STEP        28
#define OUTPUT      32
#define ZERO_POINT  36

/* Locals, from sp */
#define END    0 /* of the output */
#define ODD    4 /* 2 * zero point + 1 */
#define TAPS_1 8 /* TAPS */
#define LOCALS 16

/* a2 x, where the channel's next tap is   a3 weights: where the last load was   a4 127   a5 bytes from tap to tap
 * a6 pairs of taps   a7 x of the channel   a8 bias   a9 multiplier   a10 PER_CHANNEL   a11 rounding
 * a12..a14 temporary   a15 output   m0 two weights; SAR shift */
    function mcuq_mac16_window_run, LOCALS
    l32i    a3, a2, ZERO_POINT
    l32i    a4, a2, CHANNELS
    l32i    a6, a2, TAPS
    l32i    a15, a2, OUTPUT
    movi    a5, 1
    addx2   a3, a3, a5
    add     a4, a4, a15
    s32i    a3, sp, ODD
    s32i    a4, sp, END
    s32i    a6, sp, TAPS_1
    l32i    a3, a2, WEIGHTS
    l32i    a5, a2, STEP
    l32i    a7, a2, X
    l32i    a8, a2, BIAS
    l32i    a9, a2, MULTIPLIER
    l32i    a10, a2, PER_CHANNEL
    srli    a6, a6, 1
    movi    a4, 127
    addi    a3, a3, -4
    ldinc_  m0, a3

.Lchannel:
    l32i    a14, a8, 0
    l32i    a13, sp, ODD
    addi    a8, a8, 4
    prepare_channel a14, a11, a13, a12
    mov     a2, a7
    wsr_acclo a14
    addi    a7, a7, 1
    loopgtz_ a6, .Lpairs
    l8ui    a12, a2, 0
    add     a2, a2, a5
    l8ui    a13, a2, 0
    xor     a12, a12, a4
    xor     a13, a13, a4
    add     a2, a2, a5
    mula_da ll, m0, a12
    mula_da_ldinc hl, m0, a3, m0, a13
.Lpairs:
    l32i    a12, sp, TAPS_1
    bbci    a12, 0, .Leven
    l8ui    a12, a2, 0
    xor     a12, a12, a4
    mula_da_ldinc ll, m0, a3, m0, a12
.Leven:
    l32i    a14, a9, 0
    addx4   a9, a10, a9
    prepare_multiplier a14, a12
    rsr_acclo a12
    multiply_high a13, a12, a14, a2
    addi    a12, a11, -128
    movgez  a12, a11, a13
    add     a13, a13, a12
    l32i    a12, sp, END
    sra     a13, a13
    clamp_to_int8 a13, a13
    s8i     a13, a15, 0
    addi    a15, a15, 1
    sub     a12, a15, a12
    bnez    a12, .Lchannel
    return  LOCALS
    end_function mcuq_mac16_window_run

#endif
