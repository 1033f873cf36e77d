/*
 * Writing back: which file systems have disks, and when changes are written to
 * them. A kernel thread writes a few seconds after a change, or at once if so
 * much is dirty that a writer waits.
 */
#ifndef CACHE_WRITEBACK_H
#define CACHE_WRITEBACK_H

#include "lib/types.h"

struct writeback;

/* What a file system that keeps its files on a disk does for them. All are
 * present and may sleep. They take only locks above LOCK_INODE. */
struct writeback_ops {
    /* Make all changes finished so far safe on the disk. 0, -EIO; -EROFS if an
     * earlier error has made the file system read-only. */
    int (*sync)(struct writeback *writeback);

    /* Whether sync would have anything to do. */
    bool (*is_dirty)(struct writeback *writeback);

    /* Memory is short: give up what is kept only for speed. Whether anything
     * was given up. */
    bool (*shrink)(struct writeback *writeback);

    /* Called once, when the machine is about to stop and processes may still
     * run: sync, mark the disk as clean, and refuse changes from then on
     * (-EROFS). */
    int (*stop)(struct writeback *writeback);
};

/* A file system embeds one. */
struct writeback {
    const struct writeback_ops *ops;
};

/* From now on, write this file system back. At boot. 0; -ENOSPC: too many. */
int writeback_add(struct writeback *writeback);

/* The entry of the thread that writes back. */
void writeback_run(void *unused);

/* Called after a part of a write, with no lock held: if too many pages are
 * dirty, wait until the thread has made a round. 0, or -EINTR: a kill or a
 * signal ended the wait. */
int writeback_pace(void);

/* Call the `sync` of all file systems or, if the machine is about to stop,
 * their `stop`. 0, or the first error. */
int writeback_sync(bool stop);

/* A shrinker's scan (mm/oom.h): 1 if pages can be given up now that could not
 * be before, else 0. Locks up to LOCK_TTY_WRITE may be held. */
uint64_t writeback_scan(uint64_t wanted);

#endif
