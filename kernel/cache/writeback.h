/*
 * Writing back: which file systems have disks, and when what is in memory goes
 * there. A kernel thread does so a few seconds after a change, or at once for a
 * writer that is far ahead of it and waits.
 */
#ifndef CACHE_WRITEBACK_H
#define CACHE_WRITEBACK_H

#include "lib/types.h"

struct writeback;

/* What a file system that keeps its files on a disk does for them. All are
 * always present, may sleep, and take no lock up to LOCK_INODE. */
struct writeback_ops {
    /* Make all changes that were finished before safe on the disk. 0, -EIO;
     * -EROFS when an error before has made the file system read-only. */
    int (*sync)(struct writeback *writeback);

    /* Whether sync would have anything to do. */
    bool (*is_dirty)(struct writeback *writeback);

    /* Memory is short: give up what is kept only for speed. Whether there was
     * anything. */
    bool (*shrink)(struct writeback *writeback);

    /* Once, when the machine is about to stop; processes may still run: sync,
     * mark the disk as left in good order, and refuse changes (-EROFS). */
    int (*stop)(struct writeback *writeback);
};

/* A file system embeds one. */
struct writeback {
    const struct writeback_ops *ops;
};

/* Look after a file system from now on; at boot. -ENOSPC. */
int writeback_add(struct writeback *writeback);

/* The thread's entry. */
void writeback_run(void *unused);

/* After a part of a write, no lock held: waits when more is dirty than may be,
 * until the thread has been round. 0, or -EINTR: killed while it waited. */
int writeback_pace(void);

/* All file systems: make safe what was changed; with `stop`, the machine is
 * about to stop, and nothing can be changed any more. The first error, or 0. */
int writeback_sync(bool stop);

/* A shrinker's scan (mm/oom.h): whether something can be given up now that
 * could not be before. Locks up to LOCK_TTY_WRITE may be held. */
uint64_t writeback_scan(uint64_t wanted);

#endif
