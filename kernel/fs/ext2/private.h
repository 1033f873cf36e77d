/*
 * What the files of ext2 share. No other file includes this.
 *
 *   mount.c      from a device to a root, and back
 *   geometry.c   what the superblock and the descriptors say
 *   super.c      metadata blocks, errors
 *   alloc.c      bitmaps: taking and freeing blocks and inodes
 *   map.c        from a file's blocks to the disk's
 *   truncate.c   freeing a file's blocks, a step at a time
 *   inode.c      inodes by number
 *   record.c     their records on disk
 *   orphan.c     inodes without a name, until they are freed
 *   directory.c  records in directories: room, adding, removing
 *   find.c       records in directories: by name, by place (directory.h)
 *   names.c      the operations on names
 *   rename.c     the operation on two names
 *   link.c       symbolic links
 *   file.c       contents
 *
 * Every operation is one handle of the journal, or several of bounded size.
 * In each handle all steps that can fail (bringing blocks into the transaction,
 * taking bits) come first, then bytes are changed by steps that cannot fail.
 *
 * Locks, in order: a directory's mutex, an inode's mutex, `freeing`,
 * `contents`, an inode's `map` (also `loading`), `lock`, `table`.
 *
 * Letters at fields: I immutable; a atomic; m the inode's mutex; p its `map`; l
 * fs->lock; t fs->table.
 */
#ifndef FS_EXT2_PRIVATE_H
#define FS_EXT2_PRIVATE_H

#include "cache/cache.h"
#include "fs/ext2/ext2.h"
#include "fs/ext2/format.h"
#include "fs/journal/journal.h"
#include "vfs/name_index.h"

#define EXT2_BUCKETS 256

/* The search for room divides sizes of records into classes, a step each. */
#define EXT2_ROOM_STEP    32
#define EXT2_ROOM_CLASSES 9

/* The most blocks of metadata that a handle brings into a transaction: to make
 * a name and its inode, to write a page of contents, for a step of freeing. */
#define EXT2_NAME_BLOCKS     40
#define EXT2_WRITE_BLOCKS    32
#define EXT2_TRUNCATE_BLOCKS 56

struct ext2_group {
    uint32_t block_bitmap, inode_bitmap, inode_table; /* I: blocks */
    uint32_t free_blocks, free_inodes, directories;   /* l */
    uint8_t *held;    /* l: bitmap of freed blocks whose transaction is not
                         committed; or NULL */
    bool holds;       /* l: there may be such blocks */
    uint32_t held_by; /* l: the last transaction that freed one */
};

struct ext2 {
    struct superblock superblock;
    struct writeback writeback;
    struct block_device *device; /* I */
    struct cache metadata;
    struct journal *journal; /* I */
    struct journal_owner owner;

    /* I: geometry. */
    uint32_t block_size, block_shift;
    uint32_t blocks, first_block, blocks_per_group;
    uint32_t inodes, inodes_per_group, inode_size, first_inode;
    uint32_t group_count, table_blocks;
    uint32_t fanout; /* pointers in a block */
    uint32_t extra;  /* bytes used behind a new inode's first 128 */
    bool has_types, has_log;
    uint32_t journal_inode;
    uint64_t size_limit; /* of a file */

    bool read_only;           /* I once mounted */
    bool marked;              /* I once mounted: the disk is marked as in use */
    _Atomic uint32_t failed;  /* a: damaged, or could not be written */
    _Atomic uint32_t stopped; /* a: nothing is changed any more */
    _Atomic uint32_t users;   /* a: threads that use `journal` (ext2_enter) */

    struct mutex lock;         /* LOCK_ALLOCATION */
    struct ext2_group *groups; /* l where said above */
    uint64_t free_blocks;      /* l */
    uint64_t free_inodes;      /* l */
    struct list orphans;       /* l: struct ext2_inode, the newest first, as
                                  the list on disk has them */

    struct mutex loading;  /* LOCK_OBJECT: one inode is read in at a time */
    struct mutex freeing;  /* LOCK_ORPHANS: one dead inode is freed at a time */
    struct mutex contents; /* LOCK_CONTENTS: contents are written back */

    struct spinlock table;             /* LOCK_INODE_STATE */
    struct list buckets[EXT2_BUCKETS]; /* t: inodes in memory by number */
    struct list unused;                /* t: not in use, with names; oldest
                                          first */
    struct list dead;                  /* t: not in use, without names */
    struct list dirty;                 /* t: with contents to write */
    struct list timed;                 /* t: with times to store */
    uint32_t unused_count;             /* t */
    uint32_t unused_limit;             /* I */
    uint32_t unused_bound;             /* t: with more unused ones, evict */
};

struct ext2_inode {
    struct inode inode;
    uint16_t mode;       /* I */
    uint32_t attributes; /* I: block of extended attributes, or 0 */
    uint32_t flags;      /* m: EXT2_FLAG_* */

    struct list bucket; /* t */
    struct list queue;  /* t: unused or dead */
    struct list dirty;  /* t */
    struct list timed;  /* t */
    struct list orphan; /* l */

    struct mutex map;                 /* LOCK_OBJECT */
    uint32_t pointers[EXT2_POINTERS]; /* p */
    uint32_t sectors;                 /* p: i_blocks */
    uint32_t goal;                    /* p: where the next block should be */

    struct cache cache;    /* of a file's contents */
    bool truncate_pending; /* m: blocks beyond the size are still to be freed:
                              it is in the list of orphans, with or without
                              a name */

    /* m: of a directory. See directory.c. */
    struct name_index index; /* records by name */
    uint32_t indexed;        /* it has the names of the blocks below this one */
    uint32_t blocks;
    uint32_t full[EXT2_ROOM_CLASSES]; /* blocks below lack room of that class */
    uint32_t freed;                   /* bytes of records removed since `full`
                                         was set to 0 */
    uint32_t last_block, last_offset; /* the record added last */
    struct inode *parent; /* what ".." leads to, with a reference, if the
                             directory has no name; else NULL */
};

static inline struct ext2_inode *ext2_of(struct inode *inode)
{
    return container_of(inode, struct ext2_inode, inode);
}

static inline struct ext2 *ext2_fs(const struct inode *inode)
{
    return container_of(inode->superblock, struct ext2, superblock);
}

/* How many of an inode's sectors belong to its block of attributes. */
static inline uint32_t ext2_attribute_sectors(const struct ext2_inode *inode)
{
    return inode->attributes ? ext2_fs(&inode->inode)->block_size / BLOCK_SECTOR
                             : 0;
}

/* ---- geometry.c ---------------------------------------------------------- */

/* Check what the superblock says, and store it in `fs`; may set fs->read_only.
 * 0, -EINVAL: no ext2; -EUCLEAN, -EOPNOTSUPP, with a line on the console. */
int ext2_geometry(struct ext2 *fs, const struct ext2_super *super);

/* Read the descriptors of all groups (again). 0, -ENOMEM, -EIO, -EUCLEAN. */
int ext2_groups_load(struct ext2 *fs);

/* ---- super.c: blocks of metadata, errors --------------------------------- */

/* A block of metadata, to be read; pinned. */
struct ext2_view {
    struct page *page;
    void *bytes;
};

/* View a block, which is in range: 0, -EIO, -ENOMEM. ext2_unview unpins it. */
int ext2_view(struct ext2 *fs, uint32_t block, struct ext2_view *view);
void ext2_unview(struct ext2_view *view);

/* Make the file system read-only; the first time, print what is damaged.
 * Returns -EUCLEAN. */
int ext2_corrupt(struct ext2 *fs, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Print a line about this file system on the console. */
void ext2_say(struct ext2 *fs, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* If true, the journal may be used until ext2_leave; if false, it is closed. */
bool ext2_enter(struct ext2 *fs);
void ext2_leave(struct ext2 *fs);

/* Begin a handle for `blocks` blocks, and end it. 0; -EROFS; -ERESTART: the
 * journal has to be waited for. The thread is hurried while it has a handle. */
int ext2_begin(struct ext2 *fs, uint32_t blocks, struct journal_handle *handle);
void ext2_end(struct ext2 *fs, struct journal_handle *handle);

/* Whether it has become read-only, or was mounted so. */
static inline bool ext2_is_read_only(struct ext2 *fs)
{
    return fs->read_only || atomic_load(&fs->failed) ||
           atomic_load(&fs->stopped);
}

/* The superblock's bytes, to be changed by `handle`. Under fs->lock. */
int ext2_super_change(struct ext2 *fs, struct journal_handle *handle,
                      struct ext2_super **out);

/* The superblock, without the journal. ext2_super_read reads and checks it,
 * when nothing is known of the disk yet; it may also return what ext2_geometry
 * does. ext2_super_view gives a view of it in the cache. ext2_super_mark marks
 * the disk as in use or as clean, and waits until that is safe. */
int ext2_super_read(struct ext2 *fs);
int ext2_super_view(struct ext2 *fs, struct ext2_view *view,
                    struct ext2_super **super);
int ext2_super_mark(struct ext2 *fs, bool in_use);

/* Whether `block` may belong to a file: it is in range, and is no block of
 * metadata with a fixed place. */
bool ext2_is_data(const struct ext2 *fs, uint32_t block);

/* ---- alloc.c ------------------------------------------------------------- */

static inline uint32_t ext2_group_of_block(const struct ext2 *fs,
                                           uint32_t block)
{
    return (block - fs->first_block) / fs->blocks_per_group;
}

static inline uint32_t ext2_group_of_inode(const struct ext2 *fs,
                                           uint64_t number)
{
    return (uint32_t)((number - 1) / fs->inodes_per_group);
}

/* What changes when a bit of a group's bitmap does. */
struct ext2_bits {
    struct ext2_group *group;
    struct ext2_descriptor *descriptor;
    struct ext2_super *super;
    uint8_t *bitmap;
};

/* A block or inode that was taken, and what to give it back with. */
struct ext2_take {
    struct ext2_bits bits;
    uint32_t number; /* of the block or inode; 0: nothing taken */
    uint32_t bit;
    bool directory; /* an inode, for a directory */
};

/* Take a free block, as near after `goal` as possible. `metadata`: it can be
 * given back even if journal_change_new was called for it. 0; -ENOSPC, -ENOMEM,
 * -EIO, -EUCLEAN. */
int ext2_take_block(struct ext2 *fs, struct journal_handle *handle,
                    uint32_t goal, bool metadata, struct ext2_take *take);

/* Give back a block that this handle has taken. Cannot fail. */
void ext2_untake_block(struct ext2 *fs, struct ext2_take *take, bool metadata);

/* Take an inode in or after `group`; for a directory, in a group with much
 * room. Errors as above. */
int ext2_take_inode(struct ext2 *fs, struct journal_handle *handle,
                    uint32_t group, bool directory, struct ext2_take *take);
void ext2_untake_inode(struct ext2 *fs, struct ext2_take *take);

/* Groups from which one step of freeing may take blocks. */
#define EXT2_FREE_GROUPS 8

/* A step of freeing. */
struct ext2_freeing {
    struct ext2 *fs;
    struct journal_handle *handle;
    unsigned count; /* of the groups brought in */
    uint32_t numbers[EXT2_FREE_GROUPS];
    struct ext2_bits bits[EXT2_FREE_GROUPS];
};

/* ext2_free_prepare brings in the group of `block`. 0: ext2_free_block, which
 * frees it, cannot fail; -EAGAIN: this step has too many groups; -ENOMEM, -EIO;
 * -EUCLEAN: the block cannot be one of a file, or is free already. */
int ext2_free_prepare(struct ext2_freeing *freeing, uint32_t block);
void ext2_free_block(struct ext2_freeing *freeing, uint32_t block);

/* ext2_free_inode_prepare brings in what freeing inode `number` needs. Then
 * ext2_free_inode frees it, and cannot fail. */
int ext2_free_inode_prepare(struct ext2 *fs, struct journal_handle *handle,
                            uint32_t number, struct ext2_bits *bits);
void ext2_free_inode(struct ext2 *fs, struct ext2_bits *bits, uint32_t number,
                     bool directory);

/* Whether there are freed blocks that wait for a commit. */
bool ext2_holds_blocks(struct ext2 *fs);

/* Free bitmaps of held blocks that are not needed any more. */
void ext2_drop_held(struct ext2 *fs);

/* ---- map.c --------------------------------------------------------------- */

/* The disk's block for block `index`, 0 for a hole. 0, -EIO, -ENOMEM,
 * -EUCLEAN. Takes inode->map. */
int ext2_map_find(struct ext2_inode *inode, uint64_t index, uint32_t *block);

/* The same, but if there is a hole, a block is made and *made is set. If
 * `bytes` is not NULL, a block that is made is one of metadata: it is zeroed,
 * and *bytes leads to it. On failure nothing has changed. Also -ENOSPC, -EFBIG.
 * The caller has brought in the inode's record, and stores it afterwards. */
int ext2_map_make(struct ext2_inode *inode, struct journal_handle *handle,
                  uint64_t index, uint32_t *block, bool *made, void **bytes);

/* The largest size a file can have. */
uint64_t ext2_map_limit(const struct ext2 *fs);

/* For file contents: cache_ops. */
extern const struct cache_ops ext2_file_cache_ops;

/* ---- truncate.c ---------------------------------------------------------- */

/* Free blocks from `first` on, as many as fit in `handle`. 0: all are free;
 * -EAGAIN: go on with another handle; or an error. The map is valid after each
 * of these. The caller has brought in the inode's record, and stores it
 * afterwards. */
int ext2_truncate_blocks(struct ext2_inode *inode,
                         struct journal_handle *handle, uint64_t first);

/* ---- inode.c ------------------------------------------------------------- */

/* Inode `number` with a reference; it is read in if it is not in memory.
 * `label` may be empty. `orphan`: it may be without a name. 0, -EIO, -ENOMEM,
 * -EUCLEAN. */
int ext2_inode_get(struct ext2 *fs, uint32_t number, struct name label,
                   bool orphan, struct ext2_inode **out);
/* Take a reference to an inode in memory that is not dead. The table is locked.
 */
void ext2_inode_reuse(struct ext2 *fs, struct ext2_inode *inode);

/* A new inode in memory of type `mode`, count 1, that no lookup finds yet;
 * NULL: no memory. If it is not used after all: ext2_inode_free. */
struct ext2_inode *ext2_inode_new(struct ext2 *fs, uint16_t mode,
                                  uint32_t number,
                                  const struct inode_shape *shape,
                                  struct name label);
void ext2_inode_free(struct ext2_inode *inode);

/* publish: from now on lookups find the inode. 0; -EUCLEAN: its number is in
 * use. forget: they find it no longer. */
int ext2_inode_publish(struct ext2_inode *inode);
void ext2_inode_forget(struct ext2_inode *inode);
/* Free an inode and its pages. It is not in use, and no lookup finds it. */
void ext2_inode_destroy(struct ext2_inode *inode);
/* Free all that mount.c has made, and all inodes. Of these only the root is in
 * use, by its first reference. */
void ext2_destroy(struct ext2 *fs);

/* The inode's cache has dirty pages now, so its times have changed. They are
 * stored by the caller's handle if it has one, or by ext2_write_times. */
void ext2_inode_dirtied(struct ext2_inode *inode);
/* Write the dirty contents of all files, and wait. */
int ext2_write_contents(struct ext2 *fs);

/* Store the times of files that were written without a handle. */
int ext2_write_times(struct ext2 *fs);

/* Free inodes that are not in use, until at most `keep` are left. Returns
 * whether any was freed. `all`: also those that are dirty or have work pending.
 */
bool ext2_inode_evict(struct ext2 *fs, uint32_t keep, bool all);

/* inode_ops.release */
void ext2_release(struct inode *inode);

/* ---- orphan.c ------------------------------------------------------------ */

/* Put an inode at the head of the list of orphans. `super` and the inode's own
 * `record` have been brought in. Takes fs->lock. */
void ext2_orphan_add(struct ext2_inode *inode, struct ext2_super *super,
                     struct ext2_record *record);

/* Free all blocks beyond the size, a handle at a time, and take the inode from
 * the list of orphans. Its mutex is held, or it is not in use. May return
 * -ERESTART, too. ext2_truncate_all does this for each inode whose truncation a
 * kill or an error has interrupted; no lock is held. */
int ext2_truncate_finish(struct ext2_inode *inode);
int ext2_truncate_all(struct ext2 *fs);

/* Free dead inodes: ext2_orphans_free_some does a step of that, without a wait;
 * ext2_orphans_free frees all. 0, or the error that stopped it. The caller has
 * no handle, and no lock above LOCK_INODE. */
void ext2_orphans_free_some(struct ext2 *fs);
int ext2_orphans_free(struct ext2 *fs);

/* Whether there is an inode without a name, or with blocks beyond its size. */
bool ext2_has_orphans(struct ext2 *fs);

/* An operation found no room. -ERESTART: wait until dead inodes are freed and
 * freed blocks committed; -ENOSPC: there are none of either. */
int ext2_no_room(struct ext2 *fs);

/* At mount: free or truncate the inodes in the list of orphans on disk. */
int ext2_orphans_load(struct ext2 *fs, uint32_t first);

/* ---- names.c, link.c, file.c --------------------------------------------- */

/* Whether a symbolic link's target lies in its inode: it has no blocks. */
bool ext2_link_is_short(const struct ext2_inode *link);

extern const struct inode_ops ext2_directory_ops;
extern const struct inode_ops ext2_file_ops;
extern const struct inode_ops ext2_link_ops;
extern const struct inode_ops ext2_special_ops; /* of all other types */

/* Make the object and the cache of a new inode. */
void ext2_file_init(struct ext2_inode *inode, struct name label);

#include "fs/ext2/record.h"

#endif
