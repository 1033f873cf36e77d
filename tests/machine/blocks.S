/*
 * What surrounds random instructions (see compare): registers are loaded, a
 * block is run, registers and memory are hashed, and the hash is printed. What
 * a block leaves behind is what the next begins with. Exceptions are hashed and
 * stepped over. The generator puts what it made behind `data`:
 *
 *     passes, blocks, dump            three words of 64 bits
 *     of each block 32 bits each: its offset from `data`, its mode
 *     the pool, 4096 bytes; the blocks
 *     at TABLES_NEW, three pages: page tables; at FRAMES, what they lead to
 *
 * A block's mode is 0: S mode without translation; 1: S mode; 2: U mode. Page
 * tables are made anew for each block and hashed after it. The kernel's own
 * gigabyte is where it is without them, and again 1 GB above, for U mode.
 *
 * Whoever jumps here is in S mode, with every exception delegated to it.
 */
#define UART 0x10000000
#define TEST_DEVICE 0x100000
#define SCRATCH 4096 + 64
#define TABLES_NEW 0x803f8000
#define TABLES 0x803fd000
#define TABLES_END 0x80400000   /* where FRAMES begin */
#define HASHED_END 0x80404000
#define ALIAS (1 << 30)
/* Of `save`: */
#define MODE 67*8
#define LAST 70*8               /* exception: sstatus, sepc, scause, stval */

    .option norvc
    .option norelax
    .text
    .globl _start
_start:
    lla t0, handler
    csrw stvec, t0
    lla t0, save
    csrw sscratch, t0
    lla s0, data
    ld s2, 0(s0)                /* passes to go */
    li s4, 0                    /* the block's number over all passes */
1:  li s3, 0                    /* the block's number */
2:  lla s0, data
    ld t0, 8(s0)
    beq s3, t0, 3f
    slli t0, s3, 3
    add t0, t0, s0
    lwu t2, 28(t0)
    lwu t0, 24(t0)
    add t0, t0, s0
    lla t1, loop_state
    sd s2, 0(t1)
    sd s3, 8(t1)
    sd s4, 16(t1)
    j run_block
block_done:                     /* from run_block's end */
    lla t1, loop_state
    ld s2, 0(t1)
    ld s3, 8(t1)
    ld s4, 16(t1)
    call hash
    call print
    lla t0, data
    ld t0, 16(t0)
    bne t0, s4, 4f
    call dump
4:  addi s3, s3, 1
    addi s4, s4, 1
    j 2b
3:  addi s2, s2, -1
    bnez s2, 1b

    lla t0, save                /* no block: an exception stays in S mode */
    sd zero, MODE(t0)
    li t0, TEST_DEVICE          /* off: QEMU's way, then the firmware's */
    li t1, 0x5555
    sw t1, 0(t0)
    li a7, 0x53525354
    li a6, 0
    li a0, 0
    li a1, 0
    ecall
5:  j 5b

/* t0 is the block, t2 its mode. All registers are the block's afterwards. A
 * software interrupt is let in, and pending before every second block. */
run_block:
    lla t1, save
    sd t2, MODE(t1)
    li t6, 0                    /* what is added to addresses */
    li t3, 0x6100               /* FS, SPP */
    csrw sstatus, t3
    andi t3, s4, 1
    slli t3, t3, 1
    csrw sip, t3
    csrwi sie, 2
    beqz t2, 2f
    li a0, TABLES_NEW
    li a1, TABLES
    li a2, TABLES_END
1:  ld a3, 0(a0)
    sd a3, 0(a1)
    addi a0, a0, 8
    addi a1, a1, 8
    bne a1, a2, 1b
    li a0, 8 << 60 | TABLES >> 12
    slli a1, s4, 44             /* an ASID */
    or a0, a0, a1
    csrw satp, a0
    sfence.vma
    addi t3, t2, -2
    bnez t3, 2f
    li t6, ALIAS
    li t3, 0x100
    csrc sstatus, t3
2:  add t0, t0, t6
    csrw sepc, t0
    sd t0, 26*8(t1)             /* x26 leads into it */
    lla t2, scratch + 2048
    add t2, t2, t6
    sd t2, 2*8(t1)
    sd t2, 27*8(t1)
    addi t3, t2, -1024
    sd t3, 9*8(t1)
    lla t3, data                /* the pool's middle */
    ld t4, 8(t3)
    slli t4, t4, 3
    add t3, t3, t4
    addi t3, t3, 24 + 1024
    addi t3, t3, 1024
    add t3, t3, t6
    sd t3, 25*8(t1)
    ld t2, 64*8(t1)
    fscsr t2
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    fld f\n, (32+\n)*8(t1)
    .endr
    .irp n, 16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fld f\n, (32+\n)*8(t1)
    .endr
    mv x31, t1
    .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    ld x\n, \n*8(x31)
    .endr
    .irp n, 16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
    ld x\n, \n*8(x31)
    .endr
    ld x31, 31*8(x31)
    sret

/* A block of S mode ends with a jump here, with interrupts off; one of U mode
 * with an ecall. */
    .globl block_end
block_end:
    csrrw x26, sscratch, x26    /* `save`; x26 itself is nobody's */
ended:
    .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    sd x\n, \n*8(x26)
    .endr
    .irp n, 16,17,18,19,20,21,22,23,24,25,27,28,29,30,31
    sd x\n, \n*8(x26)
    .endr
    sd zero, 26*8(x26)
    li t0, 0x6000
    csrs sstatus, t0
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    fsd f\n, (32+\n)*8(x26)
    .endr
    .irp n, 16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fsd f\n, (32+\n)*8(x26)
    .endr
    frcsr t0
    sd t0, 64*8(x26)
    csrw sscratch, x26
    csrw sie, zero
    csrw sip, zero
    csrw scounteren, zero
    csrw senvcfg, zero
    csrw satp, zero
    sfence.vma
    j block_done

/* a0: of everything. */
hash:
    mv s5, ra
    li a0, 0
    lla t0, save
    lla t1, save_end
    call hash_range
    mv ra, s5
    lla t0, save
    ld t0, MODE(t0)
    beqz t0, 2f
    li t0, TABLES
    li t1, HASHED_END
hash_range:
    li t3, 0x9e3779b97f4a7c15
1:  ld t2, 0(t0)
    xor a0, a0, t2
    mul a0, a0, t3
    srli t2, a0, 29
    xor a0, a0, t2
    addi t0, t0, 8
    bne t0, t1, 1b
2:  ret

/* a0 in 16 digits and a newline. */
print:
    li t0, UART
    li t1, 60
1:  srl t2, a0, t1
    andi t2, t2, 15
    addi t3, t2, -10
    addi t2, t2, '0'
    bltz t3, 2f
    addi t2, t2, 'a' - '0' - 10
2:  sb t2, 0(t0)
    addi t1, t1, -4
    bgez t1, 1b
    li t2, '\n'
    sb t2, 0(t0)
    ret

/* All that is hashed but memory. */
dump:
    mv s5, ra
    lla s6, save
    lla s7, save_memory
1:  ld a0, 0(s6)
    call print
    addi s6, s6, 8
    bne s6, s7, 1b
    mv ra, s5
    ret

/* An exception: cause, value, where and sstatus are hashed, then the next
 * instruction runs; if it is not in a block, what called it goes on. */
    .balign 4
handler:
    csrrw x26, sscratch, x26
    sd t0, 68*8(x26)
    sd t1, 69*8(x26)
    csrr t0, scause
    addi t0, t0, -8
    beqz t0, left
    ld t1, 65*8(x26)
    .irp csr, 0x142, 0x143, 0x141, 0x100    /* scause, stval, sepc, sstatus */
    csrr t0, \csr
    sd t0, LAST + (\csr & 7)*8(x26)
    xor t1, t1, t0
    li t0, 0x61c88647
    mul t1, t1, t0
    .endr
    sd t1, 65*8(x26)
    ld t1, 66*8(x26)
    addi t1, t1, 1
    sd t1, 66*8(x26)
    csrr t0, scause
    bltz t0, interrupt
    csrr t0, sepc
    srli t1, t0, 30
    addi t1, t1, -2
    beqz t1, 1f
    addi t1, t1, -1
    bnez t1, elsewhere
    li t1, ALIAS
1:  sub t1, t0, t1
    lhu t1, 0(t1)
    andi t1, t1, 3
    addi t1, t1, -3
    seqz t1, t1
    slli t1, t1, 1
    add t0, t0, t1
    addi t0, t0, 2
    csrw sepc, t0
    j back
elsewhere:
    csrw sepc, ra
    j back
interrupt:
    csrci sip, 2
back:                           /* to the block's mode, whatever it was */
    li t0, 0x100
    csrs sstatus, t0
    ld t1, MODE(x26)
    addi t1, t1, -2
    bnez t1, 1f
    csrc sstatus, t0
1:  ld t1, 69*8(x26)
    ld t0, 68*8(x26)
    sd zero, 68*8(x26)
    sd zero, 69*8(x26)
    csrrw x26, sscratch, x26
    sret
left:
    ld t1, 69*8(x26)
    ld t0, 68*8(x26)
    sd zero, 68*8(x26)
    sd zero, 69*8(x26)
    j ended

    .bss
    .balign 4096
loop_state:
    .skip 64
    .balign 64
/* x0 to x31, f0 to f31, fcsr, hash and number of exceptions, mode, temporaries,
 * the last exception */
save:
    .skip 74*8
save_memory:
scratch:
    .skip SCRATCH
save_end:
    .section .data
    .balign 4096
    .globl data
data:
