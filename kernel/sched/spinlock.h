/*
 * Spinlocks: for what is held a few hundred instructions and never across a
 * sleep. Holding one keeps interrupts off on this hart, so an interrupt
 * handler may take the same lock, and so a hart that takes interrupts holds
 * none: the kernel may be preempted there, and hal_harts_freeze finds every
 * structure guarded by spinlocks whole.
 */
#ifndef SCHED_SPINLOCK_H
#define SCHED_SPINLOCK_H

#include "sched/lockrank.h"
#include <stdbool.h>
#include <stdint.h>

struct spinlock {
    _Atomic uint32_t holder; /* 0, or the hart that has it, plus one */
    uint16_t rank;           /* I: enum lock_rank */
};

#define SPINLOCK(r) ((struct spinlock){.rank = (r)})

static inline void spin_init(struct spinlock *lock, enum lock_rank rank)
{
    *lock = SPINLOCK(rank);
}

/* Take the lock; interrupts stay off until the outermost spin_unlock. */
void spin_lock(struct spinlock *lock);
void spin_unlock(struct spinlock *lock);
/* Whether this hart holds it: for assertions. */
bool spin_held(const struct spinlock *lock);

#endif
