/*
 * Harts: starting them, waking them, stopping them all.
 *
 * The kernel numbers harts from 0 in the order they start; the firmware knows
 * them by the identifiers of the device tree, which are kept here. After a
 * software interrupt a hart looks at its run queue, and at `freeze`.
 */
#include "arch/hal.h"
#include "arch/riscv/csr.h"
#include "arch/riscv/internal.h"
#include "lib/errno.h"

/* Both by hart number: a hart that leaves reset too early finds its thread by
 * its identifier (boot.S). The boot hart, 0, has no thread here. */
uint64_t hardware_ids[HAL_MAX_HARTS];
struct hal_thread *_Atomic hart_threads[HAL_MAX_HARTS];

static _Atomic unsigned hart_count = 1;

/* `freeze` is set while one hart wants the others to stand; those that stand
 * have their bits in `frozen`. `freeze_for_ever` is never cleared. */
static _Atomic bool freeze;
static _Atomic bool freeze_for_ever;
static _Atomic uint64_t frozen;

extern char hart_entry[];
void machine_boot(uint64_t hardware_id, uint64_t tree, uint64_t image);
void machine_hart_setup(void);

void machine_boot(uint64_t hardware_id, uint64_t tree, uint64_t image)
{
    hardware_ids[0] = hardware_id;
    image_physical = image;
    csr_set(sie, SIE_SOFTWARE);
    kernel_main(hardware_id, hal_phys_to_virt(tree));
}

void machine_hart_setup(void)
{
    csr_set(sie, SIE_SOFTWARE);
    /* Firmware drops interrupts for a hart that it is still starting. In case
     * there was one, raise it again. */
    csr_set(sip, SIE_SOFTWARE);
    timer_hart_setup();
}

unsigned hal_hart_count(void)
{
    return atomic_load_explicit(&hart_count, memory_order_relaxed);
}

int hal_hart_start(unsigned hart, uint64_t hardware_id,
                   struct hal_thread *thread)
{
    uint64_t entry = hal_image().start + image_offset(hart_entry);
    hardware_ids[hart] = hardware_id;
    thread->hart = hart;
    atomic_store(&hart_threads[hart], thread);
    atomic_store(&hart_count, hart + 1);
    if (sbi_hart_start(hardware_id, entry, (uint64_t)thread)) {
        atomic_store(&hart_count, hart);
        atomic_store(&hart_threads[hart], NULL);
        return -EIO;
    }
    return 0;
}

static uint64_t other_harts(void)
{
    uint64_t all = ~0ul >> (HAL_MAX_HARTS - hal_hart_count());
    return all & ~(1ul << hal_self()->hart);
}

void harts_ask(uint64_t set, enum sbi_request request, uint64_t start,
               uint64_t size)
{
    set &= other_harts();
    while (set) {
        /* One call for all harts whose identifiers fit in one mask. */
        uint64_t base = hardware_ids[__builtin_ctzl(set)], mask = 0;
        for (uint64_t rest = set; rest; rest &= rest - 1) {
            unsigned hart = __builtin_ctzl(rest);
            uint64_t id = hardware_ids[hart];
            if (id < base || id - base >= 64)
                continue;
            mask |= 1ul << (id - base);
            set &= ~(1ul << hart);
        }
        sbi_ask_harts(request, mask, base, start, size);
    }
}

void hal_hart_wake(unsigned hart)
{
    harts_ask(1ul << hart, SBI_INTERRUPT, 0, 0);
}

void smp_interrupt(void)
{
    csr_clear(sip, SIE_SOFTWARE);
    uint64_t self = 1ul << hal_self()->hart;
    __atomic_fetch_or(&hal_self()->work, HAL_WORK_RESCHEDULE, __ATOMIC_RELAXED);
    atomic_thread_fence(memory_order_seq_cst);
    if (!atomic_load(&freeze))
        return;
    if (atomic_load(&freeze_for_ever))
        trap_report();
    atomic_fetch_or(&frozen, self);
    while (atomic_load(&freeze))
        hal_relax();
    atomic_fetch_and(&frozen, ~self);
}

void hal_harts_freeze(bool for_ever)
{
    uint64_t others = other_harts();
    if (for_ever)
        atomic_store(&freeze_for_ever, true);
    atomic_store(&freeze, true);
    harts_ask(others, SBI_INTERRUPT, 0, 0);
    uint64_t limit = hal_time() + 100000000;
    while ((atomic_load(&frozen) & others) != others) {
        if (for_ever && hal_time() > limit)
            return;
        hal_relax();
    }
}

void hal_harts_thaw(void)
{
    if (atomic_load(&freeze_for_ever))
        return;
    atomic_store(&freeze, false);
    /* Wait: the next freeze must not find old bits in `frozen`. */
    while (atomic_load(&frozen))
        hal_relax();
}

void hal_wait(void)
{
    __asm__ volatile("wfi" ::: "memory");
}
