/*
 * Checks that locks are taken in the order of their ranks. Debug builds only.
 */
#include "sched/lockrank.h"
#include "lib/bits.h"
#include "lib/panic.h"
#include "sched/thread.h"

#ifdef DEBUG

/* How many ranks are in self->ranks; the thread may hold more locks. */
static unsigned noted(const struct thread *self)
{
    return MIN((size_t)self->rank_count, ARRAY_SIZE(self->ranks));
}

/* Locks of an interrupt handler count as those of the thread it interrupts. */
void lockrank_acquire(enum lock_rank rank, bool also)
{
    struct thread *self = thread_current();
    bool on = hal_irq_save();
    lockrank_assert_below(rank + also);
    if (self->rank_count < ARRAY_SIZE(self->ranks))
        self->ranks[self->rank_count] = rank;
    self->rank_count++;
    self->spin_count += rank >= LOCK_FIRST_SPIN;
    hal_irq_restore(on);
}

void lockrank_release(enum lock_rank rank)
{
    struct thread *self = thread_current();
    bool on = hal_irq_save();
    unsigned kept = noted(self);
    for (unsigned i = kept; i-- > 0;)
        if (self->ranks[i] == rank) {
            for (; i + 1 < kept; i++)
                self->ranks[i] = self->ranks[i + 1];
            break;
        }
    self->rank_count--;
    self->spin_count -= rank >= LOCK_FIRST_SPIN;
    hal_irq_restore(on);
}

void lockrank_assert_may_sleep(void)
{
    if (thread_current()->spin_count && !panic_in_progress())
        panic("sleep or user copy while holding a spinlock");
}

void lockrank_assert_below(enum lock_rank rank)
{
    struct thread *self = thread_current();
    for (unsigned i = 0; i < noted(self); i++)
        if (self->ranks[i] >= rank && !panic_in_progress())
            panic("rank %u held where only ranks below %u may be",
                  self->ranks[i], rank);
}

#endif
