/*
 * Spinlocks: the part that waits. See spinlock.h.
 */
#include "sched/spinlock.h"

void spin_lock_contended(struct spinlock *lock)
{
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
