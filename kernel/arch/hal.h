/*
 * The contract between the machine and the kernel.
 *
 * This file declares what the portable kernel asks of a machine and, at the
 * end, the upcalls: what a machine calls. Small parts that must be inline
 * (interrupts on and off, the current thread, the direct map, the user's
 * registers) come from the machine's own <machine.h>, which supplies:
 *
 *   struct hal_thread    machine state of a thread, first member of struct
 *                        thread; has the fields `hart` and `work`
 *   struct hal_frame     the user registers saved at a trap
 *   hal_self()           the running thread's hal_thread
 *   hal_irq_save/restore/enable/disable, hal_irq_enabled
 *   hal_relax()          a hint inside a spin loop
 *   hal_phys_to_virt, hal_virt_to_phys     the direct map of all RAM
 *   hal_frame_*          system call number, arguments, result, entry state
 *   hal_clear_page, hal_copy_page
 *   hal_read8/32, hal_write8/32, hal_device_fence    for drivers
 *   HAL_USER_TOP, HAL_PAGE_SIZE, HAL_PAGE_SHIFT, HAL_STACK_PAGES,
 *   HAL_STACKS
 *
 * A second implementation stands in tests/host, where harts are threads and
 * the TLB is simulated, so that kernel/mm runs there unchanged.
 */
#ifndef ARCH_HAL_H
#define ARCH_HAL_H

#include <machine.h>
#include <stdatomic.h>

/* Harts are numbered from 0 in the kernel; a set of them is one word. */
#define HAL_MAX_HARTS 64

/* Bits of hal_thread.work: what to do before returning to user mode. */
#define HAL_WORK_RESCHEDULE 1u
#define HAL_WORK_KILLED     2u
#define HAL_WORK_SIGNAL     4u /* cleared when signals are delivered */

/* What an access to memory was to do, for space_fault. */
enum access { ACCESS_READ, ACCESS_WRITE, ACCESS_EXECUTE };

/* The machine's part of an address space. */
struct hal_space {
    uint64_t root;                 /* physical address of the root table */
    _Atomic uint64_t active_harts; /* harts that translate by it now */
    _Atomic uint64_t stale_harts;  /* may have old code in their caches */
};

/* ---- Start-up, in this order, all on the boot hart ----------------------- */

/* A range of physical addresses, in bytes. */
struct hal_range {
    uint64_t start, end;
};

/* Where the image lies in memory: this range is not free. */
struct hal_range hal_image(void);

/* For the end of a panic: print registers and callers, and stop every hart. */
void hal_panic_report(void);

/* Set the frequency, in hertz, of the clock behind hal_time, and whether each
 * hart has a timer compare register of its own (Sstc). */
void hal_time_init(uint64_t frequency, bool sstc);

/* Replace boot's mappings by the final ones: `ram` and `devices` in the direct
 * map, the image with W^X. `table` returns the physical address of a zeroed
 * page (0: there is none). 0 or -ENOMEM. */
int hal_mmu_init(const struct hal_range *ram, size_t ram_count,
                 const struct hal_range *devices, size_t device_count,
                 uint64_t (*table)(void));

/* Use the interrupt controller (a PLIC) at `base`, whose `context` serves the
 * boot hart in supervisor mode. */
void hal_interrupts_init(uint64_t base, unsigned context);

/* ---- Harts -------------------------------------------------------------- */

/* Number of harts that run the kernel (1 until hal_hart_start). */
unsigned hal_hart_count(void);

/* Start one more hart. It becomes kernel hart `hart` and runs `thread`, from
 * hal_thread_init, with interrupts off. 0, or -EIO when the firmware
 * refuses. */
int hal_hart_start(unsigned hart, uint64_t hardware_id,
                   struct hal_thread *thread);

/* End another hart's hal_wait, and set HAL_WORK_RESCHEDULE in its work, so that
 * it looks at its run queue. */
void hal_hart_wake(unsigned hart);

/* Freeze: stop every other hart where it next has interrupts enabled (so where
 * it holds no spinlock), and return once they all stand. With `for_ever` (a
 * panic) return after 100 ms even if some do not. Thaw: let them run again. */
void hal_harts_freeze(bool for_ever);
void hal_harts_thaw(void);

/* With interrupts disabled, wait until one is pending. */
void hal_wait(void);

/* ---- Threads ------------------------------------------------------------ */

/* Prepare `thread` to start in `entry(argument)` when first switched to;
 * `stack` is its low end, HAL_STACK_PAGES long. */
void hal_thread_init(struct hal_thread *thread, void *stack,
                     void (*entry)(void *), void *argument);

/* Switch stacks, from the running thread to `to`. Interrupts off. Floating
 * point registers move only for threads that have used them. */
void hal_thread_switch(struct hal_thread *from, struct hal_thread *to);

/* Copy the floating-point state of the running thread to `to` (fork). */
void hal_thread_copy_fpu(struct hal_thread *to);
/* Forget the running thread's floating-point state (exec). */
void hal_thread_drop_fpu(void);

/* The user registers of a thread, at the top of its kernel stack. */
struct hal_frame *hal_thread_frame(struct hal_thread *thread);

/* Return to user mode, with the registers in the running thread's frame. */
_Noreturn void hal_enter_user(void);

/* ---- Time --------------------------------------------------------------- */

/* Nanoseconds since boot. */
uint64_t hal_time(void);
/* Set this hart's timer to interrupt when hal_time() reaches `deadline`;
 * UINT64_MAX: not at all. */
void hal_timer_arm(uint64_t deadline);

/* ---- Address translation ------------------------------------------------ */

/* Make this hart translate by `space` (NULL: by the kernel's tables alone), and
 * keep active_harts right. Interrupts off. */
void hal_space_activate(struct hal_space *space);

/* After an entry of `space` changed: before this returns, every hart running it
 * forgets the old entry. With HAL_FLUSH_ALL, as after a change of a non-leaf
 * entry, it forgets all of the space. Any locks may be held. */
#define HAL_FLUSH_ALL UINT64_MAX
void hal_shootdown(struct hal_space *space, uint64_t va);

/* After a leaf (or, with HAL_FLUSH_ALL, an edge) became valid or gained a
 * permission: this hart forgets the old entry. Another hart that still has it
 * will fault, and find the new one. */
void hal_flush_local(struct hal_space *space, uint64_t va);

/* Instructions were written: all harts running the space fetch them anew. */
void hal_space_sync_code(struct hal_space *space);

/* hal_root_init writes the kernel's edges into a zeroed root table;
 * hal_root_clear zeroes them again. */
void hal_root_init(void *root);
void hal_root_clear(void *root);

/* Map the HAL_STACK_PAGES pages of one kernel stack in window `slot` (below
 * HAL_STACKS), with nothing mapped below it. Returns the address of its low
 * end. If `pages` is NULL, unmap the stack: then no hart can touch its pages
 * any more. Calls for one slot must not overlap in time. */
void *hal_stack_map(unsigned slot, const uint64_t *pages);

/* ---- User memory -------------------------------------------------------- */

/* Copy between kernel and user memory through the MMU. The caller has checked
 * that the range lies below HAL_USER_TOP. A missing page is a fault like any
 * other. 0 or -EFAULT. */
int hal_user_read(void *to, uint64_t from, size_t length);
int hal_user_write(uint64_t to, const void *from, size_t length);
int hal_user_clear(uint64_t to, size_t length);
/* Copy a string of at most `size` bytes with its NUL. Returns its length
 * without the NUL, -ENAMETOOLONG when there is no NUL in `size` bytes, or
 * -EFAULT. */
int hal_user_read_string(char *to, uint64_t from, size_t size);

/* ---- Devices and firmware ----------------------------------------------- */

/* Enable the interrupt with this number of the machine's controller; it arrives
 * by hal_upcall_interrupt on some hart. */
void hal_interrupt_enable(unsigned number);

/* Firmware console: used until a driver has the UART. */
void hal_firmware_write(const char *text, size_t length);
/* A byte typed, or -1. */
int hal_firmware_read(void);

_Noreturn void hal_power_off(bool restart);
_Noreturn void hal_halt(void);

/* ---- Upcalls: implemented above, called by the machine ------------------- */

/* The boot hart arrives here on the boot stack, interrupts off, its hal_thread
 * that of thread_boot (main.c). `tree` is the device tree. */
_Noreturn void kernel_main(uint64_t hardware_id, const void *tree);

/* The thread asked for a system call (proc/entry.c). Interrupts on. */
void hal_upcall_syscall(struct hal_frame *frame);

/* An access to user memory at `va` faulted (proc/entry.c). True: the access is
 * tried again. False: the thread has been killed; or, if `in_kernel`, the copy
 * is to fail. Interrupts on. */
bool hal_upcall_memory_fault(uint64_t va, enum access access, bool in_kernel);

/* The user instruction at `value` caused another fault: `cause` in words
 * (proc/entry.c). */
void hal_upcall_user_fault(const char *cause, uint64_t value);

/* On the way to user mode, if hal_thread.work is not 0 (proc/entry.c).
 * Interrupts on. */
void hal_upcall_user_return(void);

/* hal_upcall_interrupt: a device interrupts (dev/irq.c). hal_upcall_tick: this
 * hart's timer fired, and is armed no more (sched/clock.c). Interrupts off. */
void hal_upcall_interrupt(unsigned number);
void hal_upcall_tick(void);

/* After an interrupt of the kernel, and on the way to user mode: act on
 * HAL_WORK_RESCHEDULE (sched/sched.c). */
void hal_upcall_preempt(void);

#endif
