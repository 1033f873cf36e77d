/*
 * A file system in memory: the first root, and the base of /dev.
 *
 * A file's contents are frames of kind PAGE_CACHE, each with one reference of
 * the file, in a sparse array; private mappings share these very frames until
 * they are written to. A frame that the file gives up (truncation, the end of
 * the file) or writes to while a mapping has it becomes an anonymous one, and
 * the file goes on with a copy: a mapped page never changes under a process.
 */
#ifndef FS_RAM_RAMFS_H
#define FS_RAM_RAMFS_H

#include "vfs/vfs.h"

/* A new, empty file system that may hold `page_limit` frames of contents and
 * about as many files and directories, and answers -ENOSPC beyond. It stays for
 * good. `type` is what superblock.type will say. -ENOMEM. */
int ramfs_make(const char *type, uint64_t page_limit, struct superblock **out);

#endif
