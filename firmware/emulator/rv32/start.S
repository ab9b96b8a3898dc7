/* Start-up of the emulated RV32IMC chip (QEMU -M virt -bios none, which starts at the first byte of RAM). */
#include "mcuq_stack.h"

#define PMP_LOCKED_NAPOT 0x98 /* lock: binds machine mode too; naturally aligned power of two; no permission */
#define PMP_4096_BYTES   0x1ff

#define TIMER_AND_EXTERNAL 0x880 /* in mie: what wakes from wfi; never taken, for mstatus.MIE stays 0 */

    .option arch, +zicsr /* the assembler's rv32imc is without CSR instructions, the chip's is not */

    .section .start, "ax"
    .globl mcuq_start
mcuq_start:
    la      t0, fault
    csrw    mtvec, t0
    la      sp, mcuq_stack_top

    /* The page below the stack may not be touched, so that an overflow is a fault and not damage to .bss. */
    la      t0, mcuq_stack_guard
    srli    t0, t0, 2
    ori     t0, t0, PMP_4096_BYTES
    csrw    pmpaddr0, t0
    li      t0, PMP_LOCKED_NAPOT
    csrw    pmpcfg0, t0

    /* .data needs no copying: QEMU loads the ELF file into RAM. */
    la      t0, mcuq_bss_start
    la      t1, mcuq_bss_end
    li      t2, 0
    call    fill

    la      t0, mcuq_stack_bottom
    la      t1, mcuq_stack_top
    li      t2, MCUQ_STACK_PAINT
    call    fill

    li      t0, TIMER_AND_EXTERNAL
    csrw    mie, t0
    call    mcuq_port_start
    call    main
    j       mcuq_exit

/* Store t2 from t0 to t1, whole words. */
1:
    sw      t2, 0(t0)
    addi    t0, t0, 4
fill:
    bltu    t0, t1, 1b
    ret

    .align  2
fault:
    la      t0, mcuq_fault_in_fault /* a fault while reporting must not begin again */
    csrw    mtvec, t0
    la      sp, mcuq_stack_top /* what is left of the stack may be the reason */
    csrr    a0, mcause
    csrr    a1, mepc
    csrr    a2, mtval
    j       mcuq_fault

    .align  2
mcuq_fault_in_fault:
    li      a0, 71
    j       mcuq_exit

/* uint32_t mcuq_port_cycles(void): instructions, exact under -icount; but sleep counts as if it were instructions. */
    .section .text.mcuq_port_cycles, "ax"
    .globl mcuq_port_cycles
mcuq_port_cycles:
    rdinstret a0
    ret

/* int32_t mcuq_semihost(int32_t operation, const void *argument): QEMU knows the call by the three instructions,
 * which must be uncompressed and within one page. */
    .text
    .globl mcuq_semihost
    .balign 16
    .option push
    .option norvc
mcuq_semihost:
    slli    zero, zero, 0x1f
    ebreak
    srai    zero, zero, 7
    ret
    .option pop
