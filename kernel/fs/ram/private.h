/*
 * What the parts of the RAM file system (inodes in ramfs.c, names in
 * directory.c, contents in data.c) share. Nobody else includes this.
 */
#ifndef FS_RAM_PRIVATE_H
#define FS_RAM_PRIVATE_H

#include "cache/radix.h"
#include "vfs/name_index.h"
#include "vfs/vfs.h"

/* The first part of a file's first name, for /proc/PID/maps. */
#define RAMFS_LABEL 24

/* Files, directories and further names of files there may be: two for each
 * frame of contents, and these; names of one file. */
#define RAMFS_EMPTY_FILES 1024
#define RAMFS_LINKS_MAX   32000

struct ramfs {
    struct superblock superblock;
    uint64_t page_limit;         /* I */
    _Atomic uint64_t pages;      /* a: frames of contents */
    _Atomic uint64_t entries;    /* a: bounded as said above */
    uint64_t entry_limit;        /* I */
    _Atomic uint64_t full_words; /* a: so many words of `numbers` are full */
    uint64_t number_words;       /* I */
    _Atomic uint64_t numbers[];  /* a: a bit for each inode number in use */
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
            struct radix entries;    /* m: struct ramfs_entry by slot - 2, or a
                                        link to the next empty slot */
            uint64_t entry_slots;    /* m: empty ones, too */
            uint64_t entry_count;    /* m: names */
            uintptr_t empty;         /* m: link to the first empty slot, or 0 */
            struct name_index index; /* m: slots */
            struct inode *parent;    /* m: with a reference; the root: itself,
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

/* ---- directory.c: with the directory's mutex held, or a new one's -------- */

/* The slot of `name`, or 0. Cannot fail: it does without an index. */
uint64_t ramfs_find(struct ramfs_inode *directory, struct name name);

/* Where a slot in use has its inode, with a reference. */
struct inode **ramfs_entry_inode(struct ramfs_inode *directory, uint64_t slot);

/* Make an entry of a name known to be free, with a reference to `inode`: 0, or
 * -ENOMEM, and nothing has changed. Take an entry out; its reference stays with
 * the caller. Both set times. */
int ramfs_add(struct ramfs_inode *directory, struct name name,
              struct inode *inode);
void ramfs_remove(struct ramfs_inode *directory, uint64_t slot);

/* Set its size by its slots. */
void ramfs_sized(struct ramfs_inode *directory);

/* inode_ops of directories. */
int ramfs_is_empty(struct inode *inode);
int ramfs_read_directory(struct inode *inode, uint64_t *slot,
                         struct directory_entry *out);

/* ---- data.c -------------------------------------------------------------- */

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
