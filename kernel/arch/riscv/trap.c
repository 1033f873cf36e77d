/*
 * Traps in C: which cause leads to which upcall, what a fault in the kernel
 * means, and the machine's part of a thread.
 */
#include "arch/hal.h"
#include "arch/riscv/csr.h"
#include "arch/riscv/internal.h"
#include "lib/bits.h"
#include "lib/panic.h"
#include "lib/printf.h"

void trap_user(struct hal_frame *frame, uint64_t cause);
void trap_kernel(struct hal_frame *frame, uint64_t cause);
_Noreturn void trap_stack_overflow(struct hal_frame *frame);
void context_switch(uint64_t *from, uint64_t *to, struct hal_thread *tp);
void thread_trampoline(void);
void fpu_save(struct hal_fpu *fpu);
void fpu_restore(const struct hal_fpu *fpu);
extern char usercopy_start[], usercopy_end[], usercopy_failed[];
extern char _text_start[], _text_end[];

/* Sorted addresses of the kernel's functions; made by the build. */
extern const uint32_t ksym_count;
extern const uint32_t ksym_offsets[];
extern const uint32_t ksym_names[];
extern const char ksym_strings[];

/* The frame of a fault in the kernel, for the report of the panic. */
static const struct hal_frame *fault_frame;

static const char *cause_name(uint64_t cause)
{
    static const char *const names[] = {
        [CAUSE_FETCH_MISALIGNED] = "jump to a misaligned address",
        [CAUSE_FETCH_ACCESS] = "fetch from where there is no memory",
        [CAUSE_ILLEGAL] = "illegal instruction",
        [CAUSE_BREAKPOINT] = "breakpoint",
        [CAUSE_LOAD_MISALIGNED] = "misaligned load",
        [CAUSE_LOAD_ACCESS] = "load from where there is no memory",
        [CAUSE_STORE_MISALIGNED] = "misaligned store",
        [CAUSE_STORE_ACCESS] = "store to where there is no memory",
        [CAUSE_FETCH_PAGE] = "fetch",
        [CAUSE_LOAD_PAGE] = "load",
        [CAUSE_STORE_PAGE] = "store",
    };
    bool known = cause < ARRAY_SIZE(names) && names[cause];
    return known ? names[cause] : "unknown exception";
}

static enum access cause_access(uint64_t cause)
{
    if (cause == CAUSE_STORE_PAGE)
        return ACCESS_WRITE;
    return cause == CAUSE_FETCH_PAGE ? ACCESS_EXECUTE : ACCESS_READ;
}

static bool is_page_fault(uint64_t cause)
{
    return cause == CAUSE_FETCH_PAGE || cause == CAUSE_LOAD_PAGE ||
           cause == CAUSE_STORE_PAGE;
}

static void interrupt(uint64_t cause)
{
    cause &= ~SCAUSE_INTERRUPT;
    if (cause == INTERRUPT_TIMER) {
        hal_timer_arm(UINT64_MAX);
        hal_upcall_tick();
    } else if (cause == INTERRUPT_SOFTWARE) {
        smp_interrupt();
    } else if (cause == INTERRUPT_EXTERNAL) {
        irq_external();
    }
}

/* Threads start without floating-point registers, so the first instruction that
 * uses them traps. Enable them; the instruction runs again. False: they were
 * on. */
static bool fpu_first_use(void)
{
    struct hal_thread *self = hal_self();
    if (csr_read(sstatus) & SSTATUS_FS)
        return false;
    csr_set(sstatus, SSTATUS_FS_INITIAL);
    self->fpu = (struct hal_fpu){0};
    fpu_restore(&self->fpu);
    self->fpu_used = true;
    return true;
}

void trap_user(struct hal_frame *frame, uint64_t cause)
{
    uint64_t value = csr_read(stval);
    if (cause & SCAUSE_INTERRUPT) {
        interrupt(cause);
        return;
    }
    if (cause == CAUSE_ILLEGAL && fpu_first_use())
        return;
    hal_irq_enable();
    if (is_page_fault(cause))
        hal_upcall_memory_fault(value, cause_access(cause), false);
    else
        hal_upcall_user_fault(cause_name(cause), frame->x[0]);
}

void trap_kernel(struct hal_frame *frame, uint64_t cause)
{
    uint64_t value = csr_read(stval);
    if (cause & SCAUSE_INTERRUPT) {
        interrupt(cause);
        if (frame->status & SSTATUS_SPIE)
            hal_upcall_preempt();
        return;
    }
    uint64_t pc = frame->x[0];
    if (is_page_fault(cause) && value < HAL_USER_TOP &&
        pc >= (uint64_t)usercopy_start && pc < (uint64_t)usercopy_end) {
        hal_irq_enable();
        if (!hal_upcall_memory_fault(value, cause_access(cause), true))
            frame->x[0] = (uint64_t)usercopy_failed;
        hal_irq_disable();
        return;
    }
    fault_frame = frame;
#ifdef DEBUG
    /* Undefined behaviour is compiled to ebreak by gcc, to unimp by clang. */
    if (cause == CAUSE_BREAKPOINT || cause == CAUSE_ILLEGAL)
        panic("this debug build found undefined behaviour at pc %p",
              (void *)pc);
#endif
    panic("%s in the kernel at pc %p, address %p", cause_name(cause),
          (void *)pc, (void *)value);
}

_Noreturn void trap_stack_overflow(struct hal_frame *frame)
{
    fault_frame = frame;
    panic("kernel stack overflow at pc %p", (void *)frame->x[0]);
}

static bool in_text(uint64_t pc)
{
    return pc >= (uint64_t)_text_start && pc < (uint64_t)_text_end;
}

static void print_location(const char *what, uint64_t pc)
{
    if (!in_text(pc) || !ksym_count) {
        kprintf("  %s %p\n", what, (void *)pc);
        return;
    }
    uint32_t offset = pc - (uint64_t)_text_start;
    uint32_t low = 0, high = ksym_count;
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if (ksym_offsets[middle] <= offset)
            low = middle;
        else
            high = middle;
    }
    kprintf("  %s %p %s+0x%x\n", what, (void *)pc,
            &ksym_strings[ksym_names[low]], offset - ksym_offsets[low]);
}

static void print_registers(const struct hal_frame *frame)
{
    static const char names[32][4] = {
        "pc", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
        "a1", "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
        "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
    for (int i = 0; i < 32; i++)
        kprintf("%s%-3s %016lx", i % 4 ? "  " : "\n  ", names[i], frame->x[i]);
    kprintf("\n");
}

/* Frames chain through s0: the caller's return address lies just below where
 * s0 points, the caller's s0 below that. */
static void print_backtrace(uint64_t fp)
{
    uint64_t last = HAL_DIRECT_BASE;
    for (int i = 0; i < 24 && fp % 8 == 0 && fp > last; i++) {
        const uint64_t *frame = (const uint64_t *)fp;
        if (!frame[-1])
            break;
        /* The call is just before the instruction that it returns to. */
        if (in_text(frame[-1]))
            print_location("called from", frame[-1] - 1);
        last = fp;
        fp = frame[-2];
    }
}

void trap_report(void)
{
    static _Atomic uint32_t printing;
    while (atomic_exchange(&printing, 1))
        hal_relax();
    kprintf("hart %u:\n", hal_self()->hart);
    print_backtrace((uint64_t)__builtin_frame_address(0));
    atomic_store(&printing, 0);
}

void hal_panic_report(void)
{
    hal_irq_disable();
    kprintf("hart %u:\n", hal_self()->hart);
    if (fault_frame) {
        print_registers(fault_frame);
        print_location("at", fault_frame->x[0]);
        print_location("returns to", fault_frame->x[1]);
        print_backtrace(fault_frame->x[8]);
    } else {
        print_backtrace((uint64_t)__builtin_frame_address(0));
    }
    hal_harts_freeze(true);
}

void hal_thread_init(struct hal_thread *thread, void *stack,
                     void (*entry)(void *), void *argument)
{
    uint64_t top = (uint64_t)stack + HAL_STACK_PAGES * HAL_PAGE_SIZE;
    thread->kernel_sp = top - sizeof(struct hal_frame);
    thread->context[0] = (uint64_t)thread_trampoline;
    thread->context[1] = thread->kernel_sp;
    thread->context[2] = (uint64_t)entry;
    thread->context[3] = (uint64_t)argument;
    thread->work = 0;
    thread->fpu_used = false;
}

struct hal_frame *hal_thread_frame(struct hal_thread *thread)
{
    return (struct hal_frame *)thread->kernel_sp;
}

/* Save the floating-point registers if they have changed. */
static void fpu_write_back(struct hal_thread *self)
{
    if ((csr_read(sstatus) & SSTATUS_FS) != SSTATUS_FS_DIRTY)
        return;
    fpu_save(&self->fpu);
    csr_clear(sstatus, SSTATUS_FS);
    csr_set(sstatus, SSTATUS_FS_CLEAN);
}

void hal_thread_switch(struct hal_thread *from, struct hal_thread *to)
{
    if (from->fpu_used)
        fpu_write_back(from);
    if (to->fpu_used) {
        csr_set(sstatus, SSTATUS_FS_DIRTY);
        fpu_restore(&to->fpu);
        csr_clear(sstatus, SSTATUS_FS);
        csr_set(sstatus, SSTATUS_FS_CLEAN);
    } else if (from->fpu_used) {
        csr_clear(sstatus, SSTATUS_FS);
    }
    to->hart = from->hart;
    context_switch(from->context, to->context, to);
}

void hal_thread_copy_fpu(struct hal_thread *to)
{
    struct hal_thread *self = hal_self();
    to->fpu_used = self->fpu_used;
    if (!self->fpu_used)
        return;
    bool on = hal_irq_save();
    fpu_write_back(self);
    to->fpu = self->fpu;
    hal_irq_restore(on);
}

void hal_thread_drop_fpu(void)
{
    bool on = hal_irq_save();
    hal_self()->fpu_used = false;
    csr_clear(sstatus, SSTATUS_FS);
    hal_irq_restore(on);
}
