/*
 * From a path to an inode. For the verbs in vfs.c only; everybody else uses
 * those.
 */
#ifndef VFS_NAMEI_H
#define VFS_NAMEI_H

#include "vfs/vfs.h"

/* What `path` leads to, with a reference. Holds no lock on return. */
int namei(const struct fs_context *context, const char *path,
          struct inode **out);

/* The directory in which the last component of `path` is or would be, with a
 * reference, and that component; its text lies in `path`. It is "", "." or
 * ".." when the path ends so. */
int namei_parent(const struct fs_context *context, const char *path,
                 struct inode **directory, struct name *last);

/* `inode`, or the root of what is mounted on it: takes over the reference. */
struct inode *namei_enter_mounts(struct inode *inode);

#endif
