/*
 * Mutexes: locks whose waiters sleep, for what takes long or sleeps itself
 * (a space during a fault, an inode during a write). Never taken by interrupt
 * handlers. A kill does not end the wait, since holders always let go.
 *
 * A free mutex goes to whoever asks first, which is quick but not fair: who
 * takes it again and again may always be before the waiter that was woken. So
 * a waiter that has waited for long and is overtaken says so, and the mutex is
 * handed over to the first one, once. Not each time: a mutex that waits for
 * its next owner to run is free for nobody, and where many want it, handing it
 * on from one to the next made all of them ten times slower and more.
 */
#ifndef SCHED_MUTEX_H
#define SCHED_MUTEX_H

#include "sched/waitq.h"
#include <stdbool.h>

struct thread;

struct mutex {
    struct thread *_Atomic holder; /* a: NULL when free */
    struct waitq waiters;
    uint16_t rank;          /* I: enum lock_rank */
    _Atomic bool overtaken; /* a: hand it over when letting go */
};

void mutex_init(struct mutex *mutex, enum lock_rank rank);
/* Take it, sleeping while another thread has it. No spinlock is held. */
void mutex_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);
/* Whether the running thread has it. */
bool mutex_held(const struct mutex *mutex);

#endif
