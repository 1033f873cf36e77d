/*
 * What the two halves of the RAM file system (names in ramfs.c, contents in
 * data.c) share. Nobody else includes this.
 */
#ifndef FS_RAM_PRIVATE_H
#define FS_RAM_PRIVATE_H

#include "cache/radix.h"
#include "vfs/vfs.h"

/* The first part of a file's first name, for /proc/PID/maps. */
#define RAMFS_LABEL 24

/* Files, directories and further names of files there may be beyond one for
 * each frame of contents; names of one file. */
#define RAMFS_EMPTY_FILES 1024
#define RAMFS_LINKS_MAX   32000

struct ramfs {
    struct superblock superblock;
    uint64_t page_limit;        /* I */
    _Atomic uint64_t pages;     /* a: frames of contents */
    _Atomic uint64_t entries;   /* a: bounded as said above */
    uint64_t number_words;      /* I */
    _Atomic uint64_t numbers[]; /* a: a bit for each inode number in use */
};

/* Letters as in vfs.h; p: `pages_lock`. */
struct ramfs_inode {
    struct inode inode;
    char label[RAMFS_LABEL]; /* I */
    union {
        struct {
            struct spinlock pages_lock; /* LOCK_INODE_STATE */
            struct radix pages;         /* p: struct page by index */
        };
        struct {
            struct radix entries; /* m: struct ramfs_entry by slot - 2 */
            uint64_t entry_slots; /* m: empty ones, too */
            uint64_t entry_count; /* m: names */
            uint64_t maybe_free;  /* m: no empty slot is below this */
            struct inode *parent; /* m: with a reference; the root: itself,
                                     without one */
        };
    };
};

static inline struct ramfs_inode *ramfs_of(struct inode *inode)
{
    return container_of(inode, struct ramfs_inode, inode);
}

static inline struct ramfs *ramfs_super(struct inode *inode)
{
    return container_of(inode->superblock, struct ramfs, superblock);
}

/* Make a new file's contents empty. */
void ramfs_data_init(struct ramfs_inode *file);

/* inode_ops of files. */
ssize_t ramfs_read(struct inode *inode, struct cursor *cursor, uint64_t offset);
ssize_t ramfs_write(struct inode *inode, struct cursor *cursor,
                    uint64_t offset);
int ramfs_truncate(struct inode *inode, uint64_t size);

/* Give up all contents of a file that nobody refers to any more. Takes no lock
 * below LOCK_OBJECT. */
void ramfs_data_free(struct ramfs_inode *file);

#endif
