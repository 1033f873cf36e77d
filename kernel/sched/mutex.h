/*
 * Mutexes: locks whose waiters sleep, for what takes long or sleeps itself
 * (a space during a fault, an inode during a write). Never taken by interrupt
 * handlers.
 *
 * A free mutex goes to the first thread that asks: barging. That is quick, but
 * not fair, as a woken waiter may find that a newcomer has the mutex. So the
 * waiter keeps its place in the queue until it has the mutex. Once it has
 * waited for long it marks the mutex as starving, and the next unlock is a
 * handoff: it makes the first waiter the holder. So each waiter gets its turn,
 * in order. Not every unlock is a handoff: after one, no thread can use the
 * mutex until the new holder runs. With many waiters this was ten times slower
 * and more.
 */
#ifndef SCHED_MUTEX_H
#define SCHED_MUTEX_H

#include "sched/waitq.h"

struct thread;

struct mutex {
    struct thread *_Atomic holder; /* a: NULL when free */
    struct waitq waiters;
    uint16_t rank;         /* I: enum lock_rank */
    _Atomic bool starving; /* a: the next unlock is a handoff */
};

void mutex_init(struct mutex *mutex, enum lock_rank rank);
/* Take it, sleeping while another thread has it. No spinlock is held. A kill
 * does not end the wait, as holders let go soon. */
void mutex_lock(struct mutex *mutex);
/* The same for one more mutex of the highest rank that the thread holds. Ranks
 * do not order these: all callers must take them in the same order. */
void mutex_lock_also(struct mutex *mutex);
/* Like mutex_lock, where a holder may take long. 0; or -EINTR when a kill or a
 * signal has ended the wait: then the thread does not have the mutex. */
int mutex_lock_interruptible(struct mutex *mutex);
/* Take it if it is free. True: it was free, and is taken. */
bool mutex_try(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);
/* Whether the running thread has it. */
bool mutex_held(const struct mutex *mutex);

#endif
