/*
 * Writing back: which file systems have disks, and when what is in memory goes
 * there. A kernel thread does so a few seconds after a change; a writer that
 * is far ahead of it does so himself.
 */
#ifndef FS_WRITEBACK_H
#define FS_WRITEBACK_H

#include "fs/vfs.h"

/* Look after a file system (one with ops) from now on; at boot. -ENOSPC. */
int writeback_add(struct superblock *superblock);

/* The thread's entry. */
void writeback_run(void *unused);

/* After a part of a write, no lock held: waits when more is dirty than may be.
 * 0, or -EINTR when the writer has been killed. */
int writeback_pace(void);

/* All file systems: make safe what was changed. The first error, or 0. */
int writeback_sync(void);

/* Memory is short: whether something can be given up now that could not be
 * before. Locks up to LOCK_TTY_WRITE may be held. */
bool writeback_shrink(void);

/* The machine is about to stop: sync, and let nothing be changed any more. The
 * first error, or 0. */
int writeback_stop(void);

#endif
