/*
 * /proc: reports of the kernel, as text.
 *
 * A file is a function that prints. It is called when the file is opened, and
 * the open file keeps the text: so small reads see one consistent text, and
 * nothing is locked between them. A write to a file is a command.
 *
 * There are files of the whole system, registered by name, and files of each
 * process, in a directory named by its number. For the latter this layer asks
 * the functions that proc/ registers.
 */
#ifndef FS_PROC_PROCFS_H
#define FS_PROC_PROCFS_H

#include "vfs/vfs.h"
#include "lib/text.h"

/* The longest command a file takes in one write, without the NUL. */
#define PROCFS_COMMAND 255

/* A file of the system: functions, or a text of one line. With neither `show`
 * nor `text` it cannot be read, without `write` not written. The functions may
 * sleep, and this layer holds no lock while it calls them. The strings are
 * never freed. */
struct procfs_entry {
    const char *name;
    /* Print the contents. Called again with more room when out->truncated. 0,
     * or a negative errno, which open returns. */
    int (*show)(struct text *out);
    /* Do the command in the `length` bytes, which are terminated. Returns the
     * bytes used, or a negative errno. */
    ssize_t (*write)(const char *text, size_t length);
    const char *text;
};

/* How this layer asks for processes. */
struct procfs_processes {
    /* The lowest number of a process above `after`, or 0. */
    int (*next)(int after);
    /* The number of the running process, or 0. */
    int (*self)(void);
    /* Print a file of process `number`, as procfs_entry.show does; -ESRCH:
     * there is no such process. */
    int (*show)(int number, const char *file, struct text *out);
    const char *const *files; /* their names */
    unsigned file_count;
};

/* Make the file system, once, at boot. -ENOMEM. */
int procfs_make(struct superblock **out);

/* At boot only, before there can be lookups. procfs_register adds a file of the
 * system: 0, or -ENOSPC, the table is full. procfs_set_processes adds the
 * directories of processes. */
int procfs_register(struct procfs_entry entry);
void procfs_set_processes(const struct procfs_processes *processes);

#endif
