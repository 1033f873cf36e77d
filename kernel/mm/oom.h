/*
 * When memory runs out: the one policy, for faults, system calls and copies.
 *
 *   1. An allocation takes a free page. If there is none, it asks those
 *      shrinkers that do not sleep for a few pages, and tries again. If its
 *      thread has its space locked, it fails at once instead.
 *   2. A fault or a call that failed for want of memory has changed nothing.
 *      It releases all locks and calls oom_retry; if that has reclaimed
 *      something, it begins again. Copies to and from user memory are faults.
 *      Each try asks for twice as many pages as the one before. If a fault has
 *      given up within a call, the call does not begin again.
 *   3. When nothing can be reclaimed, a call returns -ENOMEM, a copy -EFAULT,
 *      and a program's own fault ends the program. Process 1 waits instead, as
 *      the system cannot go on without it.
 *
 * Pages that can be reclaimed count as free.
 */
#ifndef MM_OOM_H
#define MM_OOM_H

#include "sched/thread.h"

/* A part of the kernel that keeps pages it can do without. */
struct shrinker {
    /* Give back about `wanted` pages; returns how many. If `sleeps` is false,
     * the caller may hold spinlocks below LOCK_STACK; else scan takes no lock
     * below LOCK_ORPHANS. */
    uint64_t (*scan)(uint64_t wanted);
    /* The pages that scan could give back now. NULL: unknown, counts as 0. */
    uint64_t (*count)(void);
    bool sleeps;
    struct shrinker *next; /* oom.c */
};

/* Add a shrinker, at boot; it cannot be removed. Those that sleep are asked in
 * the order in which they were added, and so are those that do not. */
void oom_add_shrinker(struct shrinker *shrinker);

/* For an allocator that has no free page: true when pages were given back. From
 * any context that may allocate. */
bool oom_reclaim(void);

/* The caller failed, and needs about `wanted` pages in all to succeed; `*tries`
 * counts its calls and is 0 before the first. True: try again. False: nothing
 * can be given back; or so much is unused that the failure had another reason;
 * or the thread has been killed; or the failure was ordered (page_fail_after).
 * No lock of LOCK_ORPHANS or above is held; may sleep until a disk has
 * answered.
 */
bool oom_retry(unsigned *tries, uint64_t wanted);

/* The running thread begins a system call: it may try again even if an earlier
 * call has given up. */
static inline void oom_begin(void)
{
    thread_current()->gave_up = false;
}

/* Pages that shrinkers could give back. */
uint64_t oom_count(void);

#endif
