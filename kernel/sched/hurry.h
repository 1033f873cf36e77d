/*
 * Not waiting where others would wait, too.
 *
 * While a directory is locked, or a transaction is kept from its end, a device
 * is not waited for: the thread is hurried. What it would have to wait for it
 * notes, and fails with -ERESTART, having changed nothing; once it has let go
 * of everything it waits, and begins again from the beginning, by what is there
 * then. What it waited for may be gone again by then, so a verb that has begun
 * again MOST_RESTARTS times waits where it stands.
 */
#ifndef SCHED_HURRY_H
#define SCHED_HURRY_H

#include "lib/errno.h"
#include "lib/panic.h"
#include "sched/thread.h"

#define MOST_RESTARTS 64

/* Both nest. */
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

/* What to call, with nothing held: it waits, and returns 0 or why that made no
 * sense. `of` stays where it is until then. Returns -ERESTART. */
static inline int hurry_note(int (*await)(void *of, uint64_t detail), void *of,
                             uint64_t detail)
{
    thread_current()->noted = (struct thread_note){await, of, detail};
    return -ERESTART;
}

/* Whether to begin again, after *result: having waited for what was noted. A
 * wait that failed is the result, and so is -EINTR for the killed. */
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
    return !*result;
}

#endif
