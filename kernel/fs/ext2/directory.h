/*
 * Directories of ext2: records in blocks. find.c looks for records, directory.c
 * changes them; beside these names.c, rename.c, inode.c and record.c include
 * this.
 *
 * The directory's mutex is held, or no other thread can find it.
 */
#ifndef FS_EXT2_DIRECTORY_H
#define FS_EXT2_DIRECTORY_H

#include "fs/ext2/private.h"
#include "lib/bits.h"

/* ---- directory.c --------------------------------------------------------- */

/* Where a record is, or can be put. `block` is valid until its handle ends. */
struct ext2_place {
    uint8_t *block;  /* bytes of the block */
    uint32_t index;  /* of the block in the directory */
    uint32_t offset; /* of the record */
    uint32_t before; /* of the record before it in the block; if there is none,
                        `offset`. Set by ext2_directory_change */
    uint32_t number; /* of the inode it names */
};

/* The record called `name`: 0, -ENOENT, or an error; only index, offset
 * and number are set. */
int ext2_directory_find(struct ext2_inode *directory, struct name name,
                        struct ext2_place *place);

/* Bring in the block of a record that was found. */
int ext2_directory_change(struct ext2_inode *directory,
                          struct journal_handle *handle,
                          struct ext2_place *place);

/* Find room for a name of `length` bytes and bring the block in. This may add a
 * block to the directory, whose record the caller stores afterwards. */
int ext2_directory_room(struct ext2_inode *directory,
                        struct journal_handle *handle, size_t length,
                        struct ext2_place *place);

/* put: fill the room with a record, whose place is then `place`. exchange: make
 * a record name another inode. remove: remove a record. None can fail. */
void ext2_directory_put(struct ext2_inode *directory, struct ext2_place *place,
                        struct name name, const struct ext2_inode *inode);
void ext2_directory_exchange(struct ext2_place *place,
                             const struct ext2_inode *inode);
void ext2_directory_remove(struct ext2_inode *directory,
                           struct ext2_place *place);

/* Fill a new directory's first block. */
void ext2_directory_format(struct ext2_inode *directory, void *block,
                           uint32_t parent);

/* Set *number to the inode number in "..". 0, or an error. */
int ext2_directory_parent(struct ext2_inode *directory, uint32_t *number);

/* The directory has `blocks` blocks now. */
void ext2_directory_sized(struct ext2_inode *directory, uint32_t blocks);

/* inode_ops */
int ext2_read_directory(struct inode *inode, uint64_t *slot,
                        struct directory_entry *out);
int ext2_is_empty(struct inode *inode);

/* ---- Shared by the halves ------------------------------------------------ */

/* The shortest record. */
#define EXT2_ENTRY_SHORTEST 12u

static inline struct ext2_entry *ext2_entry_at(void *block, uint32_t offset)
{
    return (struct ext2_entry *)((uint8_t *)block + offset);
}

static inline struct name ext2_entry_name(const struct ext2_entry *entry)
{
    return (struct name){entry->name, entry->name_length};
}

/* Bytes a record with a name of `length` needs. */
static inline uint32_t ext2_entry_size(size_t length)
{
    return (uint32_t)align_up(EXT2_ENTRY_HEAD + length, 4);
}

/* A record's place as one number, for the index of names. */
static inline uint32_t ext2_place_number(const struct ext2_inode *directory,
                                         const struct ext2_place *place)
{
    uint32_t in_block = ext2_fs(&directory->inode)->block_size / 4;

    return place->index * in_block + place->offset / 4;
}

/* Check the record at `offset` of block `index`: 0, or -EUCLEAN, printed. */
int ext2_entry_check(struct ext2_inode *directory, void *block, uint32_t index,
                     uint32_t offset);

/* The disk's number of block `index` of the directory; a view of that block. A
 * hole is damage (-EUCLEAN). */
int ext2_directory_block(struct ext2_inode *directory, uint32_t index,
                         uint32_t *block);
int ext2_directory_view(struct ext2_inode *directory, uint32_t index,
                        struct ext2_view *view);

/* The same view, for a walk over all blocks: the next blocks are read ahead. */
int ext2_directory_next(struct ext2_inode *directory, uint32_t index,
                        struct ext2_view *view);

/* ---- names.c, rename.c --------------------------------------------------- */

/* `inode` has lost a name in `directory`: adjust the link counts of both, store
 * the inode's `record`, and add the inode to the orphans if that was its last
 * name. `super` and `record` as for ext2_orphan_add; the caller stores the
 * directory's record. Both inodes are locked. */
void ext2_name_lost(struct ext2_inode *directory, struct ext2_inode *inode,
                    struct ext2_super *super, struct ext2_record *record);

/* inode_ops.rename */
int ext2_rename(const struct rename *rename);

#endif
