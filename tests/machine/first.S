/*
 * What stands in for firmware under QEMU: memory is anybody's, every exception
 * is S mode's, and S mode begins where an image is loaded.
 */
    .globl _start
_start:
    csrr t0, mhartid
    beqz t0, 2f
1:  wfi                         /* others are only there: see compare */
    j 1b
2:
    li t0, -1
    csrw pmpaddr0, t0
    li t0, 0x1f
    csrw pmpcfg0, t0
    li t0, -1
    csrw medeleg, t0
    csrw mideleg, t0
    csrw mcounteren, t0
    li t0, 0x1800
    csrc mstatus, t0
    li t0, 0x0800
    csrs mstatus, t0
    li t0, 0x80200000
    csrw mepc, t0
    mret
