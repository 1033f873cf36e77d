/*
 * The order of locks. A thread may take a lock only if its rank is higher than
 * that of every lock it holds. Debug builds check this at each acquisition
 * (lockrank.c): so a wrong order is found the first time it occurs, and not
 * only when two harts deadlock. docs/LOCKS.md says what each lock guards.
 */
#ifndef SCHED_LOCKRANK_H
#define SCHED_LOCKRANK_H

#include "lib/types.h"

enum lock_rank {
    LOCK_NONE,
    /* sleeping */
    LOCK_BREAK,
    LOCK_RENAME,
    LOCK_INODE_PARENT,
    LOCK_INODE,
    LOCK_PIPE,
    LOCK_TTY_WRITE,
    LOCK_ORPHANS,
    LOCK_JOURNAL,
    LOCK_CONTENTS,
    LOCK_AUDIT,
    LOCK_SPACE,
    LOCK_OBJECT,
    LOCK_ALLOCATION,
    /* spinning: never held across a sleep or a copy to user memory */
    LOCK_FIRST_SPIN,
    LOCK_PROCESS_TABLE = LOCK_FIRST_SPIN,
    LOCK_FILE_TABLE,
    LOCK_FS_CONTEXT,
    LOCK_INODE_STATE,
    LOCK_SPACE_LIST,
    LOCK_JOURNAL_STATE,
    LOCK_TTY,
    LOCK_NODE_ROOT,
    LOCK_NODE_1,
    LOCK_NODE_0,
    LOCK_SLAB,
    LOCK_RESERVE,
    LOCK_STACK,
    LOCK_NAME_INDEX,
    LOCK_CACHE,
    LOCK_HART_CACHE,
    LOCK_PAGE,
    LOCK_BLOCK,
    LOCK_WAITQ,
    LOCK_TIMEOUT,
    LOCK_RUN_QUEUE,
    LOCK_CONSOLE,
};

#ifdef DEBUG

/* Called by the locks. `also`: the thread may hold locks of the same rank. */
void lockrank_acquire(enum lock_rank rank, bool also);
void lockrank_release(enum lock_rank rank);
/* Panics if the running thread holds a lock of this rank or above. */
void lockrank_assert_below(enum lock_rank rank);

#else

#define lockrank_acquire(rank, also) ((void)(rank), (void)(also))
#define lockrank_release(rank)       ((void)(rank))
#define lockrank_assert_below(rank)  ((void)(rank))

#endif

/* Before a sleep: no spinlock is held. */
#define lockrank_assert_may_sleep() lockrank_assert_below(LOCK_FIRST_SPIN)

#endif
