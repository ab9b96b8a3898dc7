/* The exception handler of words that the core does not have: all registers to memory, the word's work, and back.
 *
 * Entered from the vector of user exceptions (../xtensa/start.S) with a0 in EXCSAVE1. Interrupts and loops are off while
 * PS.EXCM is set; ICOUNT stands still. Special registers by number: the assembler is another chip's. */
#define SR_SAR      3
#define SR_EPC1     177
#define SR_EXCSAVE1 209
#define SR_EXCCAUSE 232

    .section .text.mcuq_s3_vector, "ax"
    .align  4
    .literal_position
    .globl  mcuq_s3_vector
mcuq_s3_vector:
    rsr     a0, SR_EXCCAUSE
    bnez    a0, 1f /* 0: illegal instruction */
    movi    a0, mcuq_s3_registers
    s32i    a1, a0, 4
    s32i    a2, a0, 8
    s32i    a3, a0, 12
    s32i    a4, a0, 16
    s32i    a5, a0, 20
    s32i    a6, a0, 24
    s32i    a7, a0, 28
    s32i    a8, a0, 32
    s32i    a9, a0, 36
    s32i    a10, a0, 40
    s32i    a11, a0, 44
    s32i    a12, a0, 48
    s32i    a13, a0, 52
    s32i    a14, a0, 56
    s32i    a15, a0, 60
    mov     a3, a0
    rsr     a0, SR_EXCSAVE1
    s32i    a0, a3, 0
    rsr     a0, SR_SAR
    s32i    a0, a3, 64
    movi    sp, mcuq_s3_stack + 4096
    rsr     a2, SR_EPC1
    call0   mcuq_s3_step
    beqz    a2, 1f
    wsr     a2, SR_EPC1
    movi    a0, mcuq_s3_registers
    l32i    a2, a0, 64
    wsr     a2, SR_SAR
    l32i    a1, a0, 4
    l32i    a2, a0, 8
    l32i    a3, a0, 12
    l32i    a4, a0, 16
    l32i    a5, a0, 20
    l32i    a6, a0, 24
    l32i    a7, a0, 28
    l32i    a8, a0, 32
    l32i    a9, a0, 36
    l32i    a10, a0, 40
    l32i    a11, a0, 44
    l32i    a12, a0, 48
    l32i    a13, a0, 52
    l32i    a14, a0, 56
    l32i    a15, a0, 60
    l32i    a0, a0, 0
    rfe
1:
    .byte   0x30, SR_EPC1, 0x03 /* rsr a3, EPC1, as in start.S */
    rsr     a2, SR_EXCCAUSE
    movi    a0, mcuq_s3_fault
    jx      a0

    .section .bss.mcuq_s3_stack, "aw", @nobits
    .align  16
mcuq_s3_stack:
    .space  4096
