/* Start-up of the emulated Xtensa chip (QEMU -M sim -cpu dc233c), for the call0 ABI.
 *
 * Addresses are loaded from literals in front of the code: compile with -mtext-section-literals.
 * Special registers go by number: the assembler is the ESP8266's and does not know all of this core's names. */
#include "mcuq_stack.h"

#define SR_EPC1      177
#define SR_EPC_DEBUG 182 /* EPC6: level 6 is this core's debug level */
#define SR_DEPC      192
#define SR_EXCSAVE1  209
#define SR_PS        230
#define SR_VECBASE   231
#define SR_INTENABLE 228
#define SR_EXCCAUSE  232
#define SR_EXCVADDR  238
#define SR_ICOUNT    236
#define SR_ICOUNTLEVEL 237

#define PS_USER     0x20 /* user vector mode, interrupt level 0: `break` is heard */
#define PS_REPORT   0x2f /* the same, deaf to everything while a fault is reported */
#define CAUSE_BREAK 0x40 /* our number for `break`, which has no EXCCAUSE; __builtin_trap() is one */

    .section .reset, "ax"
    .globl mcuq_reset
mcuq_reset:
    j       1f
    .align  4
    .literal_position
1:
    movi    a0, start
    jx      a0

/* One vector of 64 bytes or more per kind; the linker script aligns them with VECBASE. Windowed code cannot run here:
 * its vectors, at the beginning, end in a fault like every other. */
    .macro  vector offset, cause, pc
    .org    \offset
    .byte   0x30, \pc, 0x03 /* rsr a3, pc: the assembler refuses registers that the ESP8266 lacks */
    .if     \cause
    movi    a2, \cause
    .else
    rsr     a2, SR_EXCCAUSE
    .endif
    j       fault
    .endm

    .section .vectors, "ax"
    .globl mcuq_vectors
mcuq_vectors:
    vector  0x280, CAUSE_BREAK, SR_EPC_DEBUG
    vector  0x300, 0, SR_EPC1 /* kernel */
#if defined(MCUQ_S3_EMULATED)
    .org    0x340
    wsr     a0, SR_EXCSAVE1
    j       carry_out
#else
    vector  0x340, 0, SR_EPC1 /* user */
#endif
    vector  0x3c0, 0, SR_DEPC /* double */

    .org    0x400
    .align  4
    .literal_position
    .globl  mcuq_s3_fault
mcuq_s3_fault:
fault:
    rsr     a4, SR_EXCVADDR
    movi    a5, PS_REPORT
    wsr     a5, SR_PS
    rsync
    movi    sp, mcuq_stack_top /* what is left of the stack may be the reason */
    movi    a0, mcuq_fault
    jx      a0

#if defined(MCUQ_S3_EMULATED)
carry_out: /* what this core lacks of the ESP32-S3's: ../s3 */
    movi    a0, mcuq_s3_vector
    jx      a0
#endif

    .section .text.start, "ax"
    .align  4
    .literal_position
start:
    movi    a2, mcuq_vectors
    wsr     a2, SR_VECBASE
    movi    a2, 0
    wsr     a2, SR_INTENABLE
    movi    a2, 0
    wsr     a2, SR_ICOUNT
    movi    a2, 1 /* below this level: all but exception handlers */
    wsr     a2, SR_ICOUNTLEVEL
    isync
    movi    a2, PS_USER
    wsr     a2, SR_PS
    rsync
    movi    sp, mcuq_stack_top

    /* .data needs no copying: QEMU loads the ELF file into RAM. */
    movi    a2, mcuq_bss_start
    movi    a3, mcuq_bss_end
    movi    a4, 0
    call0   fill

    movi    a2, mcuq_stack_bottom
    movi    a3, mcuq_stack_top
    movi    a4, MCUQ_STACK_PAINT
    call0   fill

    call0   mcuq_check_core
    call0   main
    call0   mcuq_exit

/* Store a4 from a2 to a3, whole words. */
1:
    s32i    a4, a2, 0
    addi    a2, a2, 4
fill:
    bltu    a2, a3, 1b
    ret

/* int32_t mcuq_ldinc_mula(const int32_t *word): five times the word's lower half, loaded between two uses of the register
 * that gets it. As bytes: the assembler has no MAC16. */
    .section .text.mcuq_ldinc_mula, "ax"
    .globl  mcuq_ldinc_mula
    .align  4
mcuq_ldinc_mula:
    addi    a2, a2, -4
    movi    a3, 0
    movi    a4, 5
    .byte   0x30, 0x20, 0x13 /* wsr a3, m0 */
    .byte   0x30, 0x10, 0x13 /* wsr a3, acclo */
    .byte   0x44, 0x00, 0x68 /* mula.da.ll m0, a4 */
    .byte   0x04, 0x02, 0x80 /* ldinc m0, a2 */
    .byte   0x44, 0x00, 0x68 /* mula.da.ll m0, a4 */
    .byte   0x20, 0x10, 0x03 /* rsr a2, acclo */
    ret
