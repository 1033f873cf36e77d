/*
 * Filling a file system from the archive a boot loader has put into memory.
 */
#ifndef VFS_INITRD_H
#define VFS_INITRD_H

#include "vfs/vfs.h"

/*
 * Unpack the newc cpio archive (or several, one after the other) of `size`
 * bytes at `archive` below the context's root: directories, files with their
 * hard links, and the memory stays the caller's. A later file takes the place
 * of an earlier one of the same name. What cannot be made is said in a line on
 * the console each, and skipped: 0, or the first such error; -EUCLEAN when the
 * archive is damaged, and then what precedes the damage is there.
 */
int initrd_unpack(struct fs_context *context, const void *archive, size_t size);

#endif
