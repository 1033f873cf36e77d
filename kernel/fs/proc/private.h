/*
 * What the two halves of procfs (names in procfs.c, open files in
 * file.c) share. Nobody else includes this.
 */
#ifndef FS_PROC_PRIVATE_H
#define FS_PROC_PRIVATE_H

#include "fs/proc/procfs.h"

/* A file of the system: by functions, or a fixed text. */
struct procfs_row {
    const char *name;
    const struct procfs_entry *entry; /* NULL: `text` */
    const char *text;
};

/*
 * Inodes are made when they are looked up and go with their last user; two
 * lookups give two inodes with one number. All fields are immutable.
 */
struct procfs_inode {
    struct inode inode;
    const struct procfs_row *row; /* of the system, or NULL */
    int process;                  /* whose directory or file it is, or 0 */
    const char *file;             /* of the process; NULL: the directory */
};

static inline struct procfs_inode *procfs_of(struct inode *inode)
{
    return container_of(inode, struct procfs_inode, inode);
}

/* Print what the file holds. */
int procfs_show(const struct procfs_inode *inode, struct text *out);

/* inode_ops.open of files. */
int procfs_open(struct inode *inode, struct file *file);

#endif
