/*
 * Filling a file system from the archive a boot loader has put into memory.
 */
#ifndef VFS_INITRD_H
#define VFS_INITRD_H

#include "vfs/vfs.h"

/* Unpack the newc cpio archive (or several, one after the other) of `size`
 * bytes at `archive`, which stay the caller's, below the context's root:
 * directories, and files with their hard links. A later file takes the place of
 * an earlier one of the same name. What cannot be made is skipped with a line
 * on the console. 0, or the first such error; -EUCLEAN: the archive is damaged,
 * and what precedes the damage is unpacked. */
int initrd_unpack(struct fs_context *context, const void *archive, size_t size);

#endif
