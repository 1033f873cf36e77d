/*
 * Stands in for sched/spinlock.h (its include guard is taken here) in tests of
 * what uses spinlocks: the test plays them.
 */
#ifndef SCHED_SPINLOCK_H
#define SCHED_SPINLOCK_H

#include "sched/lockrank.h"
#include <stdint.h>

struct spinlock {
    _Atomic uint32_t holder;
    uint16_t rank;
};

#define SPINLOCK(r) ((struct spinlock){.rank = (r)})

static inline void spin_init(struct spinlock *lock, enum lock_rank rank)
{
    *lock = SPINLOCK(rank);
}

void spin_lock(struct spinlock *lock);
void spin_unlock(struct spinlock *lock);

#endif
