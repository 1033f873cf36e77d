/*
 * Spinlocks, and holding interrupts off.
 *
 * How deep interrupts are held off is kept with the thread, not the hart: a
 * thread that leaves its hart while holding them off (sched_switch) finds
 * its own depth again wherever it goes on.
 */
#include "sched/spinlock.h"
#include "lib/panic.h"
#include "sched/thread.h"
#include <stdatomic.h>

void irq_hold(void)
{
    bool on = hal_irq_save();
    struct thread *self = thread_current();
    if (self->irq_depth++ == 0)
        self->irq_was_on = on;
}

void irq_release(void)
{
    struct thread *self = thread_current();
    ASSERT(self->irq_depth > 0);
    if (--self->irq_depth == 0 && self->irq_was_on)
        hal_irq_enable();
}

bool spin_held(const struct spinlock *lock)
{
    return atomic_load_explicit(&lock->holder, memory_order_relaxed) ==
           hal_self()->hart + 1;
}

void spin_lock(struct spinlock *lock)
{
    irq_hold();
    lockrank_acquire(lock->rank);
    uint32_t me = hal_self()->hart + 1;
    for (;;) {
        uint32_t free = 0;
        if (atomic_compare_exchange_weak_explicit(&lock->holder, &free, me,
                                                  memory_order_acquire,
                                                  memory_order_relaxed))
            return;
        if (free == me)
            panic("spinlock of rank %u taken twice by hart %u", lock->rank,
                  me - 1);
        while (atomic_load_explicit(&lock->holder, memory_order_relaxed))
            hal_relax();
    }
}

void spin_unlock(struct spinlock *lock)
{
    ASSERT(spin_held(lock));
    atomic_store_explicit(&lock->holder, 0, memory_order_release);
    lockrank_release(lock->rank);
    irq_release();
}
