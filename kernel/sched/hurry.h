/*
 * No waiting for a device while others would have to wait too.
 *
 * While a thread has a directory locked, or keeps a transaction from ending, it
 * is hurried. If it would have to wait for a device, it notes for what, and
 * fails with -ERESTART without a change. Once it holds nothing, it waits and
 * begins again from the beginning. What it waited for may be gone by then, so
 * after MOST_RESTARTS restarts it waits without giving up what it holds.
 */
#ifndef SCHED_HURRY_H
#define SCHED_HURRY_H

#include "lib/errno.h"
#include "lib/panic.h"
#include "sched/thread.h"

#define MOST_RESTARTS 64

/* hurry_begin and hurry_end nest. */
static inline void hurry_begin(void)
{
    thread_current()->hurried++;
}

static inline void hurry_end(void)
{
    thread_current()->hurried--;
}

static inline bool hurried(void)
{
    const struct thread *self = thread_current();
    return self->hurried && self->restarts < MOST_RESTARTS;
}

/* Note what hurry_again is to call, when the thread holds nothing: `await`
 * waits, and returns 0 or a negative errno. `of` stays valid until then.
 * Returns -ERESTART. */
static inline int hurry_note(int (*await)(void *of, uint64_t detail), void *of,
                             uint64_t detail)
{
    thread_current()->noted = (struct thread_note){await, of, detail};
    return -ERESTART;
}

/* `*result` is what an operation has returned. If that is -ERESTART, wait for
 * what was noted. True: begin the operation again. False: *result is final; if
 * the wait failed it is the error of the wait, and after a kill -EINTR. */
static inline bool hurry_again(int *result)
{
    struct thread *self = thread_current();
    struct thread_note note = self->noted;
    if (__builtin_expect(*result != -ERESTART, 1)) {
        self->restarts = 0;
        self->made_room = false;
        return false;
    }
    ASSERT(!self->hurried);
    uint8_t restarts = self->restarts;
    *result = thread_killed(self) ? -EINTR : note.await(note.of, note.detail);
    self->restarts = *result ? 0 : restarts + (restarts < MOST_RESTARTS);
    self->made_room &= !*result;
    return !*result;
}

#endif
