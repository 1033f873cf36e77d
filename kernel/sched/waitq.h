/*
 * Wait queues: where threads sleep until another wakes them.
 *
 * A lock of the caller guards the condition that is waited for. A sleep
 * releases that lock and takes it again. A waiter is in the queue before the
 * lock is released, so it misses no waker that changes the condition under the
 * lock. Wake-ups may come for no reason: always wait in a loop.
 */
#ifndef SCHED_WAITQ_H
#define SCHED_WAITQ_H

#include "arch/hal.h"
#include "lib/list.h"
#include "sched/spinlock.h"

struct mutex;
struct thread;

struct waitq {
    struct spinlock lock;
    struct list waiters;      /* lock: struct waiter by link */
    _Atomic uint32_t waiting; /* a: how many; 0: a waker needs no lock */
};

/* A place in one queue, usually on the stack of the thread that waits. */
struct waiter {
    struct list link;      /* the queue's lock */
    struct waitq *queue;   /* I while joined */
    struct thread *thread; /* I while joined */
    /* Called by a waker, with the queue's lock held. True: this waiter was
     * woken, and waitq_wake_one stops here. */
    bool (*wake)(struct waiter *waiter); /* I while joined */
};

/* What ends a sleep early: bits of hal_thread.work. */
enum sleep {
    SLEEP_UNINTERRUPTIBLE = 0, /* only where the wake-up comes soon */
    SLEEP_KILLABLE = HAL_WORK_KILLED,
    SLEEP_INTERRUPTIBLE = HAL_WORK_KILLED | HAL_WORK_SIGNAL,
};

void waitq_init(struct waitq *queue);

/* Sleep until woken. `lock` is held, released while asleep, and held again on
 * return. 0; or -EINTR if a kill or signal that ends this kind of sleep comes,
 * or came before: then there is no sleep. */
int waitq_sleep(struct waitq *queue, struct spinlock *lock, enum sleep kind);
int waitq_sleep_mutex(struct waitq *queue, struct mutex *lock, enum sleep kind);

/* waitq_wake_one wakes the first waiter that sleeps, and returns whether there
 * was one. waitq_wake_all wakes all. From any context. */
bool waitq_wake_one(struct waitq *queue);
void waitq_wake_all(struct waitq *queue);

/* ---- Waiting for many: several queues, one sleep ------------------------- */

struct wait_set_entry {
    struct waiter waiter;
    struct wait_set *set; /* I */
};

/* Used by one thread, which joins queues, sleeps and leaves them. */
struct wait_set {
    struct wait_set_entry *entries; /* s: the first `count` have joined */
    unsigned count, room;           /* s */
    _Atomic bool woken;             /* a: by one of the queues */
};

#define WAIT_SET(array, size)                                                  \
    ((struct wait_set){.entries = array, .room = size})
#define NO_DEADLINE UINT64_MAX

/* Join one more queue; there is room. If `set` is NULL, nothing is done. Join
 * first, then look at the condition: so no later change is missed. */
void wait_set_join(struct wait_set *set, struct waitq *queue);

/* Sleep until one of the queues is woken; if one was woken since the thread
 * joined it, do not sleep. 0; or -EINTR (see waitq_sleep); or -ETIMEDOUT once
 * hal_time() reaches `deadline`. No lock is held. */
int wait_set_sleep(struct wait_set *set, enum sleep kind, uint64_t deadline);

/* Leave all queues. Must be called before the memory of the set is used for
 * anything else. The set can then be used again. */
void wait_set_leave(struct wait_set *set);

/* ---- The steps of a sleep ------------------------------------------------
 * Interrupts are held off (irq_hold) from sleep_begin until the sched_switch or
 * sched_stay_awake that ends it. */

/* From now on thread_wake makes the running thread ready. The caller then looks
 * whether there is still something to wait for. */
void sleep_begin(enum sleep kind);

/* Whether a kill or signal that ends this kind of sleep is pending. */
bool sleep_interrupted(enum sleep kind);

/* waitq_join puts `waiter` last in `queue`, for the running thread. waitq_leave
 * takes it out, if its wake function has not done so. In between `waiter` must
 * stay at its address. */
void waitq_join(struct waitq *queue, struct waiter *waiter,
                bool (*wake)(struct waiter *waiter));
void waitq_leave(struct waiter *waiter);

#endif
