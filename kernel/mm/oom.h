/*
 * When memory runs out: the one policy, for faults, system calls and copies.
 *
 *   1. An allocation takes a free page. If there is none, it asks shrinkers
 *      that do not sleep for a few and tries again; but not while its thread
 *      has its space locked: then it fails at once.
 *   2. A fault or a call that failed for want of memory has changed nothing.
 *      It lets go of all locks, calls oom_retry, and begins again as long as
 *      that finds something to give back. Copies to and from user memory are
 *      faults. Each try asks for twice as many pages as the one before. What
 *      has given up within a call is not begun again by the call as a whole.
 *   3. When nothing can be given back, a call returns -ENOMEM, a copy -EFAULT,
 *      and a fault of a program ends it; only the first process waits, as
 *      nothing lives without it.
 *
 * What could be given back counts as free.
 */
#ifndef MM_OOM_H
#define MM_OOM_H

#include "sched/thread.h"

/* A part of the kernel that keeps pages it can do without. */
struct shrinker {
    /* Give back about `wanted` pages: how many were. One that does not sleep
     * may be called with spinlocks below LOCK_STACK held; one that sleeps takes
     * no lock below LOCK_EVICT. */
    uint64_t (*scan)(uint64_t wanted);
    /* The pages it could give back now; NULL: unknown, and not counted. */
    uint64_t (*count)(void);
    bool sleeps;
    struct shrinker *next; /* oom.c */
};

/* Add one, which stays; at boot. They are asked in this order, those that sleep
 * after all others. */
void oom_add_shrinker(struct shrinker *shrinker);

/* For an allocator that has no free page: true when some were given back. From
 * any context that may allocate. */
bool oom_reclaim(void);

/* The caller failed, and needs about `wanted` pages in all to succeed; `*tries`
 * counts its calls and is 0 before the first. True: try again. False: nothing
 * can be given back, or so much is unused that memory was not what it failed
 * for; the thread has been killed, or the failure was ordered
 * (page_fail_after). Holds no lock of LOCK_EVICT or above; may sleep until a
 * disk has answered. */
bool oom_retry(unsigned *tries, uint64_t wanted);

/* The running thread begins a call: what gave up before does not matter. */
static inline void oom_begin(void)
{
    thread_current()->gave_up = false;
}

/* Pages that shrinkers could give back. */
uint64_t oom_count(void);

#endif
