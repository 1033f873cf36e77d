/*
 * A file system in memory: the first root, and the base of /dev. Its files are
 * pages of the page cache that are not written back (cache/cache.h).
 */
#ifndef FS_RAM_RAMFS_H
#define FS_RAM_RAMFS_H

#include "vfs/vfs.h"

/* A new, empty file system that may hold `page_limit` pages of contents and
 * names, and about twice as many files and directories, and fails with -ENOSPC
 * beyond that. It is never freed. `type` becomes superblock.type. 0 or -ENOMEM.
 */
int ramfs_make(const char *type, uint64_t page_limit, struct superblock **out);

#endif
