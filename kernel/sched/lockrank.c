/*
 * Checks that locks are taken in the order of their ranks. Debug builds only.
 */
#include "sched/lockrank.h"
#include "lib/panic.h"
#include "sched/thread.h"

#ifdef DEBUG

static void note(enum lock_rank rank)
{
    struct thread *self = thread_current();
    if (panic_in_progress())
        return;
    const unsigned room = sizeof self->ranks / sizeof *self->ranks;
    for (unsigned i = 0; i < self->rank_count && i < room; i++)
        /* The audit holds every space at once, having stopped new ones. */
        if (self->ranks[i] >= rank && rank != LOCK_SPACE)
            panic("lock of rank %u taken while holding rank %u", rank,
                  self->ranks[i]);
    if (self->rank_count < room)
        self->ranks[self->rank_count] = rank;
    self->rank_count++;
    self->spin_count += rank >= LOCK_FIRST_SPIN;
}

static void forget(enum lock_rank rank)
{
    struct thread *self = thread_current();
    const unsigned room = sizeof self->ranks / sizeof *self->ranks;
    if (panic_in_progress())
        return;
    unsigned kept = self->rank_count < room ? self->rank_count : room;
    for (unsigned i = kept; i-- > 0;)
        if (self->ranks[i] == rank) {
            for (; i + 1 < kept; i++)
                self->ranks[i] = self->ranks[i + 1];
            break;
        }
    self->rank_count--;
    self->spin_count -= rank >= LOCK_FIRST_SPIN;
}

/* An interrupt handler takes locks in the name of the thread it interrupts. */
void lockrank_acquire(enum lock_rank rank)
{
    bool on = hal_irq_save();
    note(rank);
    hal_irq_restore(on);
}

void lockrank_release(enum lock_rank rank)
{
    bool on = hal_irq_save();
    forget(rank);
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
    for (unsigned i = 0; i < self->rank_count && i < 16; i++)
        if (self->ranks[i] >= rank && !panic_in_progress())
            panic("rank %u held where only ranks below %u may be",
                  self->ranks[i], rank);
}

#endif
