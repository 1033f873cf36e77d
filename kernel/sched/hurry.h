/*
 * Not waiting where others would wait, too.
 *
 * While a directory is locked, or a transaction is kept from its end, a device
 * is not waited for: the thread is hurried. What it would have to wait for it
 * notes, and fails with -ERESTART, having changed nothing; once it has let go
 * of everything it waits, and begins again from the beginning, by what is there
 * then.
 */
#ifndef SCHED_HURRY_H
#define SCHED_HURRY_H

#include "lib/errno.h"
#include "lib/panic.h"
#include "sched/thread.h"

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
    return thread_current()->hurried;
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
    struct thread_note *note = &thread_current()->noted;
    if (__builtin_expect(*result != -ERESTART, 1))
        return false;
    ASSERT(!hurried());
    *result = thread_killed(thread_current())
                  ? -EINTR
                  : note->await(note->of, note->detail);
    return !*result;
}

#endif
