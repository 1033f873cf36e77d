/*
 * Mutexes. Free ones are taken and given back by one atomic instruction; the
 * queue is looked at only when somebody waits.
 */
#include "sched/mutex.h"
#include "lib/panic.h"
#include "sched/thread.h"
#include <stdatomic.h>

/* Nanoseconds: how long a waiter lets others overtake him. */
#define PATIENCE 10000000

void mutex_init(struct mutex *mutex, enum lock_rank rank)
{
    atomic_init(&mutex->holder, NULL);
    waitq_init(&mutex->waiters);
    mutex->rank = rank;
    atomic_init(&mutex->overtaken, false);
}

static bool try_take(struct mutex *mutex)
{
    struct thread *none = NULL;
    return atomic_compare_exchange_strong(&mutex->holder, &none,
                                          thread_current());
}

void mutex_lock(struct mutex *mutex)
{
    lockrank_assert_may_sleep();
    lockrank_acquire(mutex->rank);
    ASSERT(!mutex_held(mutex));
    if (try_take(mutex))
        return;
    /* A waiter looks once more after joining; an owner looks for waiters
     * after letting go. One of the two sees the other. */
    irq_hold();
    for (uint64_t began = hal_time();;) {
        waitq_join(&mutex->waiters, false);
        bool taken = try_take(mutex);
        if (!taken)
            sched_switch();
        waitq_leave(&mutex->waiters);
        if (taken || mutex_held(mutex) || try_take(mutex))
            break;
        if (hal_time() - began > PATIENCE)
            atomic_store(&mutex->overtaken, true);
    }
    irq_release();
}

static inline void let_go(struct mutex *mutex)
{
    atomic_store(&mutex->holder, NULL);
    waitq_wake_one(&mutex->waiters);
}

/* Make the first waiter the holder. Rare, so kept out of mutex_unlock. */
static __attribute__((noinline)) void hand_over(struct mutex *mutex)
{
    atomic_store(&mutex->overtaken, false);
    if (!waitq_hand_over(&mutex->waiters, &mutex->holder))
        let_go(mutex);
}

void mutex_unlock(struct mutex *mutex)
{
    ASSERT(mutex_held(mutex));
    if (atomic_load_explicit(&mutex->overtaken, memory_order_relaxed))
        hand_over(mutex);
    else
        let_go(mutex);
    lockrank_release(mutex->rank);
}

bool mutex_held(const struct mutex *mutex)
{
    return atomic_load_explicit(&mutex->holder, memory_order_relaxed) ==
           thread_current();
}
