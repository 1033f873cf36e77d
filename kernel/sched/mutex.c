/*
 * Mutexes. As long as no thread waits, they are taken and released by one
 * atomic instruction each.
 */
#include "sched/mutex.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "sched/thread.h"

/* Nanoseconds after which a waiter starves. */
#define PATIENCE 10000000

void mutex_init(struct mutex *mutex, enum lock_rank rank)
{
    *mutex = (struct mutex){.rank = rank};
    waitq_init(&mutex->waiters);
}

static bool try_take(struct mutex *mutex)
{
    struct thread *none = NULL;
    return atomic_compare_exchange_strong(&mutex->holder, &none,
                                          thread_current());
}

/* The wake function of the waiters. If the caller still holds the mutex, this
 * is a handoff: the waiter becomes the holder. The waiter stays in the queue.
 * If it is awake already, it looks at the mutex again anyway. */
static bool wake_contender(struct waiter *waiter)
{
    struct mutex *mutex = container_of(waiter->queue, struct mutex, waiters);
    if (mutex_held(mutex))
        atomic_store(&mutex->holder, waiter->thread);
    thread_wake(waiter->thread);
    return true;
}

/* A waiter says that it sleeps, then looks at the mutex; a holder frees the
 * mutex, then wakes the first waiter. So the waiter finds the mutex free, or is
 * woken. False: a kill or signal has ended the wait. */
static bool wait_in_queue(struct mutex *mutex, enum sleep kind)
{
    uint64_t began = hal_time();
    for (;;) {
        sleep_begin(kind);
        if (mutex_held(mutex) || try_take(mutex))
            return true;
        if (sleep_interrupted(kind))
            return false;
        if (hal_time() - began > PATIENCE)
            atomic_store(&mutex->starving, true);
        sched_switch();
    }
}

/* Take a mutex that was not free: 0 or -EINTR. */
static __attribute__((noinline)) int wait_for(struct mutex *mutex,
                                              enum sleep kind)
{
    struct waiter waiter;
    irq_hold();
    waitq_join(&mutex->waiters, &waiter, wake_contender);
    bool taken = wait_in_queue(mutex, kind);
    sched_stay_awake();
    waitq_leave(&waiter);
    /* A handoff may have come meanwhile. If not, and the mutex is free, this
     * waiter may have used up a wake-up: wake the next waiter. */
    taken = taken || mutex_held(mutex);
    if (!taken && !atomic_load(&mutex->holder))
        waitq_wake_one(&mutex->waiters);
    irq_release();
    return taken ? 0 : -EINTR;
}

static inline int lock(struct mutex *mutex, enum sleep kind, bool also)
{
    lockrank_acquire(mutex->rank, also);
    lockrank_assert_may_sleep();
    ASSERT(!mutex_held(mutex));
    int result = try_take(mutex) ? 0 : wait_for(mutex, kind);
    if (result)
        lockrank_release(mutex->rank);
    return result;
}

void mutex_lock(struct mutex *mutex)
{
    lock(mutex, SLEEP_UNINTERRUPTIBLE, false);
}

void mutex_lock_also(struct mutex *mutex)
{
    lock(mutex, SLEEP_UNINTERRUPTIBLE, true);
}

int mutex_lock_interruptible(struct mutex *mutex)
{
    return lock(mutex, SLEEP_INTERRUPTIBLE, false);
}

bool mutex_try(struct mutex *mutex)
{
    bool taken = try_take(mutex);
    if (taken)
        lockrank_acquire(mutex->rank, false);
    return taken;
}

static inline void let_go(struct mutex *mutex)
{
    atomic_store(&mutex->holder, NULL);
    waitq_wake_one(&mutex->waiters);
}

/* Make the first waiter the holder. Rare, so kept out of mutex_unlock. */
static __attribute__((noinline)) void hand_off(struct mutex *mutex)
{
    atomic_store(&mutex->starving, false);
    if (!waitq_wake_one(&mutex->waiters))
        let_go(mutex);
}

void mutex_unlock(struct mutex *mutex)
{
    ASSERT(mutex_held(mutex));
    if (atomic_load_explicit(&mutex->starving, memory_order_relaxed))
        hand_off(mutex);
    else
        let_go(mutex);
    lockrank_release(mutex->rank);
}

bool mutex_held(const struct mutex *mutex)
{
    return atomic_load_explicit(&mutex->holder, memory_order_relaxed) ==
           thread_current();
}
