/*
 * Spinlocks: held for a few hundred instructions and never across a sleep.
 * While a hart holds one its interrupts are off. So an interrupt handler may
 * take the same lock, and a hart with interrupts on holds none. There the
 * kernel may be preempted, and there hal_harts_freeze stops the hart: no
 * structure that a spinlock guards is half changed.
 */
#ifndef SCHED_SPINLOCK_H
#define SCHED_SPINLOCK_H

#include "lib/panic.h"
#include "sched/lockrank.h"
#include "sched/thread.h"

struct spinlock {
    _Atomic uint32_t holder; /* 0, or the hart that has it, plus one */
    uint16_t rank;           /* I: enum lock_rank */
};

#define SPINLOCK(r) ((struct spinlock){.rank = (r)})

static inline void spin_init(struct spinlock *lock, enum lock_rank rank)
{
    *lock = SPINLOCK(rank);
}

/* Keep interrupts off on this hart; nests. The depth belongs to the thread, not
 * to the hart, so it is right when the thread goes on after a sched_switch,
 * even on another hart. */
static inline void irq_hold(void)
{
    bool on = hal_irq_save();
    struct thread *self = thread_current();
    if (self->irq_depth++ == 0)
        self->irq_was_on = on;
}

static inline void irq_release(void)
{
    struct thread *self = thread_current();
    ASSERT(self->irq_depth > 0);
    if (--self->irq_depth == 0 && self->irq_was_on)
        hal_irq_enable();
}

/* Whether this hart holds the lock: for assertions. */
static inline bool spin_held(const struct spinlock *lock)
{
    return atomic_load_explicit(&lock->holder, memory_order_relaxed) ==
           hal_self()->hart + 1;
}

/* Wait for a lock that was not free (spinlock.c). */
void spin_lock_contended(struct spinlock *lock);

/* Take the lock; interrupts stay off until the outermost spin_unlock. */
static inline void spin_lock(struct spinlock *lock)
{
    uint32_t free = 0;
    irq_hold();
    lockrank_acquire(lock->rank, false);
    if (!atomic_compare_exchange_weak_explicit(
            &lock->holder, &free, hal_self()->hart + 1, memory_order_acquire,
            memory_order_relaxed))
        spin_lock_contended(lock);
}

static inline void spin_unlock(struct spinlock *lock)
{
    ASSERT(spin_held(lock));
    atomic_store_explicit(&lock->holder, 0, memory_order_release);
    lockrank_release(lock->rank);
    irq_release();
}

#endif
