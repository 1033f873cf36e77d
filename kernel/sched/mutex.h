/*
 * Mutexes: locks whose waiters sleep, for what takes long or sleeps itself
 * (a space during a fault, an inode during a write). Never taken by interrupt
 * handlers.
 *
 * A free mutex goes to whoever asks first, which is quick but not fair: a
 * waiter that is woken may find that a newcomer has it again. It keeps its
 * place in the queue until it has the mutex, and once it has waited for long
 * it says so: then the owner hands the mutex to the first waiter. So each
 * waiter gets its turn, in order. The mutex is not handed over each time: until
 * its next owner runs it is of use to nobody, and where many want it that made
 * all of them ten times slower and more.
 */
#ifndef SCHED_MUTEX_H
#define SCHED_MUTEX_H

#include "sched/waitq.h"

struct thread;

struct mutex {
    struct thread *_Atomic holder; /* a: NULL when free */
    struct waitq waiters;
    uint16_t rank;         /* I: enum lock_rank */
    _Atomic bool starving; /* a: hand it over when letting go */
};

void mutex_init(struct mutex *mutex, enum lock_rank rank);
/* Take it, sleeping while another thread has it. No spinlock is held. A kill
 * does not end the wait, since owners let go soon. */
void mutex_lock(struct mutex *mutex);
/* The same for one more mutex of the highest rank that the thread has. All that
 * take several of that rank take them in one order, which is the caller's. */
void mutex_lock_also(struct mutex *mutex);
/* The same where an owner may take long. 0; or -EINTR when a kill or a signal
 * has ended the wait: then the thread does not have the mutex. */
int mutex_lock_interruptible(struct mutex *mutex);
/* Take it if it is free: whether it was. */
bool mutex_try(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);
/* Whether the running thread has it. */
bool mutex_held(const struct mutex *mutex);

#endif
