/*
 * Sleeping and waking. See waitq.h for the rules.
 *
 * A thread first says that it sleeps, then joins the queue, and only then
 * lets go of the caller's lock. From the first step on a waker may make it
 * ready again; then its sched_switch finds it in a run queue and it simply
 * goes on when its turn comes. A kill and a time-out race with the waker in
 * the same harmless way: whoever changes SLEEPING to READY has woken it.
 */
#include "sched/waitq.h"
#include "lib/errno.h"
#include "sched/mutex.h"
#include "sched/thread.h"

void waitq_init(struct waitq *queue)
{
    spin_init(&queue->lock, LOCK_WAITQ);
    list_init(&queue->waiters);
    atomic_store(&queue->waiting, 0);
}

void waitq_join(struct waitq *queue, bool killable)
{
    struct thread *self = thread_current();
    self->timed_out = false;
    atomic_store(&self->killable, killable);
    atomic_store(&self->state, THREAD_SLEEPING);
    spin_lock(&queue->lock);
    list_push_back(&queue->waiters, &self->wait_link);
    atomic_fetch_add(&queue->waiting, 1);
    spin_unlock(&queue->lock);
}

static void take_off(struct waitq *queue, struct thread *thread)
{
    list_remove(&thread->wait_link);
    atomic_fetch_sub(&queue->waiting, 1);
}

void waitq_leave(struct waitq *queue)
{
    struct thread *self = thread_current();
    sched_stay_awake();
    spin_lock(&queue->lock);
    if (list_is_linked(&self->wait_link))
        take_off(queue, self);
    spin_unlock(&queue->lock);
}

/* How the caller's lock is let go and taken. */
struct lock_kind {
    void (*unlock)(void *lock);
    void (*lock)(void *lock);
};

/* One sleep. */
static int sleep_on(struct waitq *queue, uint64_t deadline,
                    const struct lock_kind *kind, void *lock)
{
    struct thread *self = thread_current();
    irq_hold();
    waitq_join(queue, true);
    kind->unlock(lock);
    if (deadline != WAITQ_NO_DEADLINE) {
        self->deadline = deadline;
        clock_add(self);
    }
    if (!thread_killed(self))
        sched_switch();
    waitq_leave(queue);
    if (deadline != WAITQ_NO_DEADLINE)
        clock_remove(self);
    bool timed_out = self->timed_out; /* taking a mutex may sleep, too */
    irq_release();
    kind->lock(lock);
    if (thread_killed(self))
        return -EINTR;
    return timed_out ? -ETIMEDOUT : 0;
}

static void unlock_spin(void *lock)
{
    spin_unlock(lock);
    lockrank_assert_may_sleep();
}

static void lock_spin(void *lock)
{
    spin_lock(lock);
}

static void unlock_mutex(void *lock)
{
    mutex_unlock(lock);
}

static void lock_mutex(void *lock)
{
    mutex_lock(lock);
}

static const struct lock_kind spin_kind = {unlock_spin, lock_spin};
static const struct lock_kind mutex_kind = {unlock_mutex, lock_mutex};

int waitq_sleep(struct waitq *queue, struct spinlock *lock, uint64_t deadline)
{
    return sleep_on(queue, deadline, &spin_kind, lock);
}

int waitq_sleep_mutex(struct waitq *queue, struct mutex *lock,
                      uint64_t deadline)
{
    return sleep_on(queue, deadline, &mutex_kind, lock);
}

static void wait_on(struct waitq *queue, const struct lock_kind *kind,
                    void *lock)
{
    irq_hold();
    waitq_join(queue, false);
    kind->unlock(lock);
    sched_switch();
    waitq_leave(queue);
    irq_release();
    kind->lock(lock);
}

void waitq_wait(struct waitq *queue, struct spinlock *lock)
{
    wait_on(queue, &spin_kind, lock);
}

void waitq_wait_mutex(struct waitq *queue, struct mutex *lock)
{
    wait_on(queue, &mutex_kind, lock);
}

static void wake(struct waitq *queue, bool all)
{
    if (!atomic_load(&queue->waiting))
        return;
    spin_lock(&queue->lock);
    while (!list_is_empty(&queue->waiters)) {
        struct thread *thread =
            list_entry(list_first(&queue->waiters), struct thread, wait_link);
        take_off(queue, thread);
        if (thread_wake(thread) && !all)
            break;
    }
    spin_unlock(&queue->lock);
}

bool waitq_hand_over(struct waitq *queue, struct thread *_Atomic *what)
{
    struct thread *first = NULL;
    if (!atomic_load(&queue->waiting))
        return false;
    spin_lock(&queue->lock);
    if (!list_is_empty(&queue->waiters)) {
        first =
            list_entry(list_first(&queue->waiters), struct thread, wait_link);
        take_off(queue, first);
        /* Before it can leave the queue, and so before it can end. */
        atomic_store(what, first);
        thread_wake(first);
    }
    spin_unlock(&queue->lock);
    return first;
}

void waitq_wake_one(struct waitq *queue)
{
    wake(queue, false);
}

void waitq_wake_all(struct waitq *queue)
{
    wake(queue, true);
}
