/*
 * Where programs enter the kernel: the machine's upcalls for system calls and
 * faults, and the one way out. If a fault cannot be resolved, one line says so,
 * and the thread is killed like any other.
 */
#include "lib/printf.h"
#include "lib/text.h"
#include "mm/oom.h"
#include "mm/space.h"
#include "mm/stats.h"
#include "proc/process.h"

void hal_upcall_syscall(struct hal_frame *frame)
{
    struct process *self = process_current();
    self->abi->syscall(self, frame);
}

static void die(const char *what)
{
    struct process *self = process_current();
    uint64_t pc = hal_frame_pc(hal_thread_frame(hal_self()));
    process_report("calf: pid %d (%s) killed: %s (pc 0x%lx)\n", self->pid,
                   self->name, what, pc);
    thread_kill(thread_current());
}

static void report_memory_fault(struct space *space, uint64_t va,
                                enum access access, enum fault fault)
{
    static const char *const words[][2] = {
        [ACCESS_READ] = {"load from", "not readable:"},
        [ACCESS_WRITE] = {"store to", "not writable:"},
        [ACCESS_EXECUTE] = {"fetch from", "not executable:"}};
    const char *why = fault == FAULT_NOMEM ? "out of memory in"
                      : fault == FAULT_BUS
                          ? "nothing to read in the file behind"
                          : words[access][1];
    char buffer[160];
    struct text text;
    text_init(&text, buffer, sizeof buffer);
    text_printf(&text, "%s 0x%lx: %s ", words[access][0], va, why);
    space_describe(space, va, &text);
    die(buffer);
}

bool hal_upcall_memory_fault(uint64_t va, enum access access, bool in_kernel)
{
    struct space *space = space_current();
    stat_count(STAT_FAULTS);
    if (!in_kernel)
        oom_begin();
    enum fault fault = space_fault(space, va, access);
    if (fault_resolved(fault))
        return true;
    if (fault == FAULT_NOMEM && !in_kernel && !process_current()->parent) {
        /* The system cannot go on without process 1, so process 1 waits
         * (oom.h). */
        thread_sleep_until(hal_time() + 10000000);
        return true;
    }
    if (!in_kernel && !thread_killed(thread_current()))
        report_memory_fault(space, va, access, fault);
    return false;
}

void hal_upcall_user_fault(const char *cause, uint64_t value)
{
    char buffer[96];
    ksnprintf(buffer, sizeof buffer, "%s at 0x%lx", cause, value);
    die(buffer);
}

void hal_upcall_user_return(void)
{
    if (thread_killed(thread_current()))
        process_exit(-1);
    /* There are no handlers for signals yet. */
    __atomic_fetch_and(&hal_self()->work, ~HAL_WORK_SIGNAL, __ATOMIC_RELAXED);
    hal_upcall_preempt();
}
