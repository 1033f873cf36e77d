/*
 * Checks that locks are taken in the order of their ranks. Debug builds only.
 */
#include "sched/lockrank.h"
#include "lib/bits.h"
#include "lib/panic.h"
#include "sched/thread.h"

#ifdef DEBUG

/* Locks of an interrupt handler count as those of the thread it interrupts. */
void lockrank_acquire(enum lock_rank rank, bool also)
{
    struct thread *self = thread_current();
    bool on = hal_irq_save();
    lockrank_assert_below(rank + also);
    ASSERT(self->rank_count < ARRAY_SIZE(self->ranks));
    self->ranks[self->rank_count++] = rank;
    hal_irq_restore(on);
}

void lockrank_release(enum lock_rank rank)
{
    struct thread *self = thread_current();
    bool on = hal_irq_save();
    unsigned at = --self->rank_count;
    uint8_t last = self->ranks[at];
    while (at && self->ranks[at] != rank)
        at--;
    self->ranks[at] = last;
    hal_irq_restore(on);
}

void lockrank_assert_below(enum lock_rank rank)
{
    struct thread *self = thread_current();
    for (unsigned i = 0; i < self->rank_count; i++)
        if (self->ranks[i] >= rank && !panic_in_progress())
            panic("rank %u held where only ranks below %u may be",
                  self->ranks[i], rank);
}

#endif
