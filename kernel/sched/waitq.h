/*
 * Wait queues: where threads sleep until another wakes them.
 *
 * The condition waited for belongs to the caller and is guarded by a lock of
 * the caller; sleeping lets go of that lock and takes it back. A thread is on
 * the queue before the lock is let go, so a waker that holds the lock (or
 * takes it to change the condition) is never missed. Wake-ups may come for no
 * reason: always wait in a loop.
 */
#ifndef SCHED_WAITQ_H
#define SCHED_WAITQ_H

#include "lib/list.h"
#include "sched/spinlock.h"
#include <stdbool.h>
#include <stdint.h>

struct mutex;
struct thread;

struct waitq {
    struct spinlock lock;
    struct list waiters;      /* lock: struct thread by wait_link */
    _Atomic uint32_t waiting; /* a: how many, so that a waker can pass by */
};

#define WAITQ_NO_DEADLINE UINT64_MAX

void waitq_init(struct waitq *queue);

/* Sleep until woken. `lock` is held, let go while asleep and held again on
 * return. 0, or -EINTR when the thread has been killed (then at once), or
 * -ETIMEDOUT once hal_time() reaches `deadline`. */
int waitq_sleep(struct waitq *queue, struct spinlock *lock, uint64_t deadline);

/* The same with a mutex as the caller's lock. */
int waitq_sleep_mutex(struct waitq *queue, struct mutex *lock,
                      uint64_t deadline);

/* The same for what is sure to come, such as the end of a device's work, and
 * whoever is killed meanwhile: sleeps until woken. */
void waitq_wait(struct waitq *queue, struct spinlock *lock);
void waitq_wait_mutex(struct waitq *queue, struct mutex *lock);

/* Wake the first waiter, or all. From any context. */
void waitq_wake_one(struct waitq *queue);
void waitq_wake_all(struct waitq *queue);

/* Make `*what` the first waiter, take it off the queue and wake it; false when
 * there is none. Once it has left the queue it sees `*what`. For mutex.c. */
bool waitq_hand_over(struct waitq *queue, struct thread *_Atomic *what);

/* The steps of a sleep, for mutex.c: become a waiter, sleep unless woken
 * meanwhile, stop being one. Interrupts held off (irq_hold) throughout. */
void waitq_join(struct waitq *queue, bool killable);
void waitq_leave(struct waitq *queue);

#endif
