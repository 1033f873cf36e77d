/*
 * A file system for tests of processes: a root, the directories "a" and "b" in
 * it, and programs: files by name, whose contents begin at one of the test's
 * programs (host/proc/sched.h).
 */
#ifndef TESTS_PROC_FILES_H
#define TESTS_PROC_FILES_H

#include "vfs/vfs.h"

/* Make it. `names[n]` is a file that starts program number n; NULL: no file.
 * "bad" is a file that is no program. Returns the root. */
struct inode *files_make(const char *const *names, unsigned count);

/* References to all inodes together. */
unsigned files_references(void);

#endif
