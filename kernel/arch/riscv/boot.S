/*
 * The first instructions of every hart.
 *
 * The image starts with the header of a Linux RISC-V Image ("Boot image header
 * in RISC-V Linux", version 0.2), so anything that can start Linux can start
 * Calf: with a0 the hart's identifier, a1 the physical address of the device
 * tree, the MMU off. The boot hart clears bss, makes two page tables
 * (everything in RAM at the direct map, this image at its link address), and
 * jumps there. Harts started later use the final tables.
 *
 * The jump: stvec holds the virtual address of what comes next. Once the MMU is
 * on, the fetch of the next instruction faults, as its physical address is not
 * mapped, and the trap goes to stvec. So no identity mapping is needed.
 */

#define SATP_SV39 (8 << 60)
/* Leaf bits: global, accessed, dirty, and the permissions. */
#define LEAF_RW 0xe7
#define LEAF_RWX 0xef
#define IMAGE_MEGAPAGES 4
#define DIRECT_GIGAPAGES 252

    .option norvc
    .option norelax
    .section .head.text, "ax"
    .globl _start
_start:
    j boot
    .word 0
    .dword 0x200000             /* load offset from the start of RAM */
    .dword _image_size
    .dword 0                    /* flags: little endian */
    .word 2                     /* header version 0.2 */
    .word 0
    .dword 0
    .ascii "RISCV\0\0\0"
    .ascii "RSC\5"
    .word 0

/* Firmware may leave floating-point and vector registers enabled. A thread gets
 * them at its first use (trap.c), and not before. */
#define STATUS_FS_VS 0x6600

/* Turn the MMU on with the satp in the register `table`, and go on at `label`,
 * whose virtual address is in the register `place`. */
.macro turn_mmu_on place, table, label
    csrw stvec, \place
    sfence.vma
    csrw satp, \table
    nop

    .balign 4
\label:
    lla t0, trap_vector
    csrw stvec, t0
.endm

boot:
    csrw sie, zero
    csrw sscratch, zero
    li t0, STATUS_FS_VS
    csrc sstatus, t0
    lla t0, boot_taken
    li t1, 1
    amoswap.w.aq t1, t1, (t0)
    bnez t1, late_hart
    mv s0, a0
    mv s1, a1

    lla t0, _bss_start
    lla t1, _bss_end
1:  sd zero, 0(t0)
    addi t0, t0, 8
    bltu t0, t1, 1b

    /* The direct map, in gigapages. */
    lla s2, boot_root
    li t0, LEAF_RW
    li t1, 1 << 28              /* one gigabyte, as an entry counts it */
    li t2, 256 * 8
    add t2, t2, s2
    li t3, DIRECT_GIGAPAGES
1:  sd t0, 0(t2)
    add t0, t0, t1
    addi t2, t2, 8
    addi t3, t3, -1
    bnez t3, 1b

    /* The image, in megapages, at slot 510 of the root. */
    lla s3, boot_image
    srli t0, s3, 2
    ori t0, t0, 1
    li t1, 510 * 8
    add t1, t1, s2
    sd t0, 0(t1)
    lla t0, _start
    srli t0, t0, 2
    ori t0, t0, LEAF_RWX
    li t1, 1 << 19              /* two megabytes, as an entry counts it */
    li t3, IMAGE_MEGAPAGES
1:  sd t0, 0(s3)
    add t0, t0, t1
    addi s3, s3, 8
    addi t3, t3, -1
    bnez t3, 1b

    srli s2, s2, 12
    li t0, SATP_SV39
    or s2, s2, t0
    lla t1, boot_continue
    ld t1, 0(t1)
    lla a2, _start              /* where the image was loaded */
    turn_mmu_on t1, s2, high
    lla sp, _bss_end
    lla tp, thread_boot
    mv a0, s0
    mv a1, s1
    mv fp, zero                 /* backtraces end here */
    call machine_boot           /* (hardware id, device tree, image) */
1:  wfi
    j 1b

/*
 * OpenSBI before 1.3 marks a hart as started before it has written the start
 * address. A hart that comes out of reset in between starts at _start, like the
 * boot hart, and comes here. It looks for its identifier, which is in a0, until
 * it finds its thread.
 */
late_hart:
    lla t0, hart_threads
    lla t1, hardware_ids
    li t2, 64                   /* HAL_MAX_HARTS */
1:  ld t3, 0(t1)
    ld a1, 0(t0)
    bne t3, a0, 2f
    bnez a1, hart_entry
2:  addi t0, t0, 8
    addi t1, t1, 8
    addi t2, t2, -1
    bnez t2, 1b
    j late_hart

/*
 * A hart started by hal_hart_start: a1 is the virtual address of the thread
 * it is to run.
 */
    .globl hart_entry
hart_entry:
    csrw sie, zero
    csrw sscratch, zero
    li t0, STATUS_FS_VS
    csrc sstatus, t0
    lla t0, hart_continue
    ld t0, 0(t0)
    lla t1, kernel_satp
    ld t1, 0(t1)
    turn_mmu_on t0, t1, hart_high
    mv tp, a1
    ld sp, 32(tp)               /* context: ra, sp, s0, s1 */
    ld s0, 40(tp)
    ld s1, 48(tp)
    call machine_hart_setup
    ld t0, 24(tp)
    jr t0

    .balign 8
boot_continue:
    .dword high
hart_continue:
    .dword hart_high

    .data
    .balign 4
boot_taken:                     /* not in bss: the first hart clears that */
    .word 0

    .section .bss.page, "aw", @nobits
    .balign 4096
boot_root:
    .skip 4096
boot_image:
    .skip 4096
