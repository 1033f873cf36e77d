/*
 * Copies between kernel and user memory, through the MMU.
 *
 * Only this code sets SUM, which lets the kernel touch user pages. A fault
 * between usercopy_start and usercopy_end is resolved like a user's own. If
 * that fails, trap.c makes the hart go on at usercopy_failed. No function here
 * has a stack frame, so this is right from every instruction.
 */

#define STATUS_SUM 0x40000
#define EFAULT 14
#define ENAMETOOLONG 36

    .option norelax
    .text

/* 64 bytes from a1 + at to a0 + at. */
.macro move_64 at
    ld t0, \at+0(a1)
    ld t1, \at+8(a1)
    ld t2, \at+16(a1)
    ld t3, \at+24(a1)
    ld t4, \at+32(a1)
    ld t5, \at+40(a1)
    ld a5, \at+48(a1)
    ld a6, \at+56(a1)
    sd t0, \at+0(a0)
    sd t1, \at+8(a0)
    sd t2, \at+16(a0)
    sd t3, \at+24(a0)
    sd t4, \at+32(a0)
    sd t5, \at+40(a0)
    sd a5, \at+48(a0)
    sd a6, \at+56(a0)
.endm

/* One byte or word from a1 to a0; a2 counts the bytes left. */
.macro move load, store, size
    \load t0, 0(a1)
    \store t0, 0(a0)
    addi a0, a0, \size
    addi a1, a1, \size
    addi a2, a2, -\size
.endm

    .globl usercopy_start, usercopy_end, usercopy_failed
usercopy_start:

/* int hal_user_read(void *to, uint64_t from, size_t length)
 * int hal_user_write(uint64_t to, const void *from, size_t length)
 * The loops count the bytes that are left and compare no addresses: near 0, the
 * address of the last block would wrap. */
    .globl hal_user_read, hal_user_write
hal_user_read:
hal_user_write:
    li t6, STATUS_SUM
    csrs sstatus, t6
    xor t0, a0, a1
    andi t0, t0, 7
    bnez t0, bytes              /* never both aligned */
1:  andi t0, a0, 7
    beqz t0, blocks
    beqz a2, done
    move lb, sb, 1
    j 1b
blocks:
    li a7, 64
    bltu a2, a7, words
1:  move_64 0
    addi a0, a0, 64
    addi a1, a1, 64
    addi a2, a2, -64
    bgeu a2, a7, 1b
words:
    li a7, 8
    bltu a2, a7, bytes
1:  move ld, sd, 8
    bgeu a2, a7, 1b
bytes:
    beqz a2, done
    move lb, sb, 1
    j bytes
done:
    csrc sstatus, t6
    li a0, 0
    ret

/* int hal_user_clear(uint64_t to, size_t length) */
    .globl hal_user_clear
hal_user_clear:
    li t6, STATUS_SUM
    csrs sstatus, t6
    li a7, 8
1:  beqz a1, done
    andi t0, a0, 7
    beqz t0, 2f
3:  sb zero, 0(a0)
    addi a0, a0, 1
    addi a1, a1, -1
    j 1b
2:  bltu a1, a7, 3b
    sd zero, 0(a0)
    addi a0, a0, 8
    addi a1, a1, -8
    j 1b

/* int hal_user_read_string(char *to, uint64_t from, size_t size) */
    .globl hal_user_read_string
hal_user_read_string:
    li t6, STATUS_SUM
    csrs sstatus, t6
    li t1, 0
1:  beq t1, a2, 3f
    lb t0, 0(a1)
    sb t0, 0(a0)
    beqz t0, 2f
    addi a0, a0, 1
    addi a1, a1, 1
    addi t1, t1, 1
    j 1b
2:  csrc sstatus, t6
    mv a0, t1
    ret
3:  csrc sstatus, t6
    li a0, -ENAMETOOLONG
    ret

usercopy_end:
usercopy_failed:
    li t6, STATUS_SUM
    csrc sstatus, t6
    li a0, -EFAULT
    ret

/* void hal_clear_page(void *page), hal_copy_page(void *to, const void *from):
 * kernel memory only; they are here as their loops are like the ones above. */
    .globl hal_clear_page
hal_clear_page:
    li t0, 4096
    add t0, t0, a0
1:
    .irp n, 0,8,16,24,32,40,48,56,64,72,80,88,96,104,112,120
    sd zero, \n(a0)
    .endr
    addi a0, a0, 128
    bltu a0, t0, 1b
    ret

    .globl hal_copy_page
hal_copy_page:
    li a7, 4096
    add a7, a7, a0
1:
    move_64 0
    move_64 64
    addi a0, a0, 128
    addi a1, a1, 128
    bltu a0, a7, 1b
    ret
