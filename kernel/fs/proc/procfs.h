/*
 * /proc: what the kernel tells about itself, as text.
 *
 * A file is a function that prints. It is called when the file is opened, and
 * the open file keeps what it printed: a reader sees one consistent text,
 * however small its reads, and nothing is locked between them. Writing to a
 * file is giving a command.
 *
 * Files come in two kinds: those of the whole system, registered by name, and
 * those of each process, in a directory named by its number, about which this
 * layer asks whoever knows processes.
 */
#ifndef FS_PROC_PROCFS_H
#define FS_PROC_PROCFS_H

#include "vfs/vfs.h"
#include "lib/text.h"

/* The longest command a file takes in one write, without the NUL. */
#define PROCFS_COMMAND 255

/* A file of the system. A missing function: not readable, not writable. Both
 * are called with no lock held by this layer and may sleep. */
struct procfs_entry {
    /* Print the contents. Called again with more room when out->truncated. 0,
     * or a negative errno, which open returns. */
    int (*show)(struct text *out);
    /* Do what the `length` bytes say, which are terminated: bytes used, or a
     * negative errno. */
    ssize_t (*write)(const char *text, size_t length);
};

/* What is to be known of processes. */
struct procfs_processes {
    /* The lowest number of a process above `after`, or 0. */
    int (*next)(int after);
    /* The number of the running process, or 0. */
    int (*self)(void);
    /* Print a file of process `number`: as above; -ESRCH when it is gone. */
    int (*show)(int number, const char *file, struct text *out);
    const char *const *files; /* their names; NULL at the end */
};

/* Make the file system, once, at boot. -ENOMEM. */
int procfs_make(struct superblock **out);

/* Add a file, at boot only: before anybody can look. The entry and the strings
 * stay the caller's and have to last. -ENOSPC: the table is full. */
int procfs_register(const char *name, const struct procfs_entry *entry);

/* The same for a file whose contents never change. */
int procfs_set_text(const char *name, const char *text);

/* Add the directories of processes: as above. */
void procfs_set_processes(const struct procfs_processes *processes);

#endif
