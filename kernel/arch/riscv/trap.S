/*
 * Into the kernel and out of it, and from one thread to another.
 *
 * sscratch is zero while the kernel runs, and holds the thread while a user
 * program runs; a swap with tp tells where a trap came from. No table is
 * switched: the kernel is in every address space. A user's registers are saved
 * at the top of its thread's kernel stack, where hal_thread_frame finds them;
 * the kernel's own are saved below the part of the stack that is in use.
 */

#define THREAD_KERNEL_SP 0
#define THREAD_USER_SP 8
#define THREAD_WORK 16
#define FRAME_PC 0
#define FRAME_SP 16
#define FRAME_TP 32
#define FRAME_STATUS 256
#define FRAME_SIZE 272
#define STATUS_SPP 0x100
#define STATUS_SPIE 0x20
#define STATUS_SUM 0x40000
#define CAUSE_ECALL_USER 8
#ifdef DEBUG
#define STACK_SHIFT 14
#else
#define STACK_SHIFT 13
#endif

    .option norelax
    .text

/* Everything but x0, x2 (sp) and x4 (tp). */
.macro each_register op
    \op x1, 8(sp)
    \op x3, 24(sp)
    .irp n, 5,6,7,8,9,10,11,12,13,14,15,16,17,18
    \op x\n, 8*\n(sp)
    .endr
    .irp n, 19,20,21,22,23,24,25,26,27,28,29,30,31
    \op x\n, 8*\n(sp)
    .endr
.endm

/* What was interrupted may be between its load-reserved and store-conditional,
 * and a thread that ran meanwhile may have made a reservation of the same word.
 * So a reservation ends before each return (Volume I, section 8.2). If the
 * store succeeds after all, it changes nothing. */
.macro load_pc_end_reservation
    ld t0, FRAME_PC(sp)
    sc.d zero, t0, (sp)
.endm

    .balign 4
    .globl trap_vector
trap_vector:
    csrrw tp, sscratch, tp
    beqz tp, from_kernel

    sd sp, THREAD_USER_SP(tp)
    ld sp, THREAD_KERNEL_SP(tp)
    each_register sd
    ld t0, THREAD_USER_SP(tp)
    csrrw t1, sscratch, zero
    csrr t2, sepc
    sd t0, FRAME_SP(sp)
    sd t1, FRAME_TP(sp)
    mv fp, zero                 /* backtraces end here */
    csrr t3, scause
    li t4, CAUSE_ECALL_USER
    mv a0, sp
    bne t3, t4, 1f

    addi t2, t2, 4              /* go on after the ecall */
    sd t2, FRAME_PC(sp)
    csrsi sstatus, 2
    call hal_upcall_syscall
    j user_return
1:  sd t2, FRAME_PC(sp)
    mv a1, t3
    call trap_user

user_return:
    csrci sstatus, 2
    lw t0, THREAD_WORK(tp)
    bnez t0, user_work
    load_pc_end_reservation
    li t1, STATUS_SPP
    csrc sstatus, t1
    li t1, STATUS_SPIE
    csrs sstatus, t1
    csrw sepc, t0
    csrw sscratch, tp
    each_register ld
    ld tp, FRAME_TP(sp)
    ld sp, FRAME_SP(sp)
    sret

user_work:
    csrsi sstatus, 2
    call hal_upcall_user_return
    j user_return

    .globl hal_enter_user
hal_enter_user:
    csrci sstatus, 2
    ld sp, THREAD_KERNEL_SP(tp)
    j user_return

from_kernel:
    /* tp is free: sscratch holds its value. Is there stack left? */
    addi sp, sp, -FRAME_SIZE
    srli tp, sp, STACK_SHIFT
    andi tp, tp, 1
    beqz tp, stack_overflow
    csrrw tp, sscratch, zero
    each_register sd
    addi t0, sp, FRAME_SIZE
    sd t0, FRAME_SP(sp)
    sd tp, FRAME_TP(sp)
    csrr t0, sepc
    csrr t1, sstatus
    sd t0, FRAME_PC(sp)
    sd t1, FRAME_STATUS(sp)
    li t2, STATUS_SUM
    csrc sstatus, t2
    csrr a1, scause
    mv a0, sp
    call trap_kernel
    load_pc_end_reservation
    ld t1, FRAME_STATUS(sp)
    csrw sepc, t0
    csrw sstatus, t1
    each_register ld
    ld sp, FRAME_SP(sp)
    sret

stack_overflow:
    csrrw tp, sscratch, zero
    sd sp, overflow_sp, x31     /* x31 is lost; the rest is reported */
    lla sp, overflow_stack_end
    addi sp, sp, -FRAME_SIZE
    each_register sd
    ld t0, overflow_sp
    addi t0, t0, FRAME_SIZE
    sd t0, FRAME_SP(sp)
    sd tp, FRAME_TP(sp)
    csrr t0, sepc
    sd t0, FRAME_PC(sp)
    mv a0, sp
    call trap_stack_overflow

/* The registers that a call must leave as they are. */
.macro each_saved op, base
    \op ra, 0(\base)
    \op sp, 8(\base)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    \op s\n, 16+8*\n(\base)
    .endr
.endm

/* void context_switch(uint64_t *from, uint64_t *to, struct hal_thread *tp) */
    .globl context_switch
context_switch:
    each_saved sd, a0
    each_saved ld, a1
    mv tp, a2
    ret

/* A new thread comes here from its first switch, and calls s0(s1). */
    .globl thread_trampoline
thread_trampoline:
    mv a0, s1
    mv t0, s0
    mv s0, zero
    jalr t0
    unimp                       /* an entry does not return */

/* void fpu_save(struct hal_fpu *), void fpu_restore(const struct hal_fpu *) */
.macro each_float op
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    \op f\n, 8*\n(a0)
    .endr
    .irp n, 16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    \op f\n, 8*\n(a0)
    .endr
.endm
    .globl fpu_save
fpu_save:
    each_float fsd
    csrr t0, fcsr
    sw t0, 256(a0)
    ret
    .globl fpu_restore
fpu_restore:
    lw t0, 256(a0)
    csrw fcsr, t0
    each_float fld
    ret

    .bss
    .balign 16
overflow_sp:
    .skip 16
overflow_stack:
    .skip 4096
overflow_stack_end:
