/*
 * What the parts of the RAM file system share; nothing else includes it: inodes
 * and contents (ramfs.c), names (directory.c).
 */
#ifndef FS_RAM_PRIVATE_H
#define FS_RAM_PRIVATE_H

#include "cache/cache.h"
#include "vfs/name_index.h"
#include "vfs/vfs.h"

/* At most two entries (inodes, and further names of files) for each page of
 * contents, and RAMFS_EMPTY_FILES more. At most RAMFS_LINKS_MAX names of a
 * file. */
#define RAMFS_EMPTY_FILES 1024
#define RAMFS_LINKS_MAX   32000

struct ramfs {
    struct superblock superblock;
    struct cache_memory memory; /* of contents */
    uint64_t entry_limit;       /* I */
    struct mutex lock;          /* LOCK_ALLOCATION, of the fields below */
    uint64_t entries;
    uint64_t full_words; /* all words of `numbers` before this one are full */
    uint64_t numbers[];  /* a bit for each inode number in use */
};

/* Letters as in vfs.h. */
struct ramfs_inode {
    struct inode inode;
    struct cache contents; /* of a directory: struct ramfs_entry by slot */
    /* m: of a directory. */
    uint64_t entry_count;    /* names */
    uint64_t empty;          /* the first empty slot, or 0 */
    struct name_index index; /* slots */
    struct inode *parent;    /* with a reference; the root: itself, without */
};

static inline struct ramfs_inode *ramfs_of(struct inode *inode)
{
    return container_of(inode, struct ramfs_inode, inode);
}

static inline struct ramfs *ramfs_super(struct inode *inode)
{
    return container_of(inode->superblock, struct ramfs, superblock);
}

/* ---- directory.c: with the directory's mutex held, or a new one's -------- */

/* The slot of `name`, or 0. Cannot fail: if there is no memory for an index, it
 * searches all slots. */
uint64_t ramfs_find(struct ramfs_inode *directory, struct name name);

/* Where the entry in `slot`, which is in use, has its inode. The entry has a
 * reference to it. */
struct inode **ramfs_entry_inode(struct ramfs_inode *directory, uint64_t slot);

/* ramfs_add makes an entry for a name that is free, with a reference to
 * `inode`. 0; -ENOMEM, -ENOSPC: nothing has changed. ramfs_remove takes an
 * entry out; its reference goes to the caller. Both set times. */
int ramfs_add(struct ramfs_inode *directory, struct name name,
              struct inode *inode);
void ramfs_remove(struct ramfs_inode *directory, uint64_t slot);

/* Make a new directory empty. */
void ramfs_directory_init(struct ramfs_inode *directory);

/* inode_ops of directories. */
int ramfs_is_empty(struct inode *inode);
int ramfs_read_directory(struct inode *inode, uint64_t *slot,
                         struct directory_entry *out);

#endif
