/*
 * Directories, for those that look names up and change them: directory.c,
 * names.c and rename.c.
 */
#ifndef FS_EXT2_DIRECTORY_H
#define FS_EXT2_DIRECTORY_H

#include "fs/ext2/private.h"

/* Where a record is, or can be put; valid while its handle is, or (from a
 * search for reading) while `view` is. */
struct ext2_place {
    uint8_t *block;  /* bytes of the block */
    uint32_t index;  /* of the block in the directory */
    uint32_t offset; /* of the record */
    uint32_t before; /* of the record before it in the block; or `offset` */
    uint32_t number; /* of the inode it names */
};

/* The record called `name`: 0, -ENOENT, or an error; only index, offset,
 * before and number are set. */
int ext2_directory_find(struct ext2_inode *directory, struct name name,
                        struct ext2_place *place);

/* Bring in the block of a record that was found. */
int ext2_directory_change(struct ext2_inode *directory,
                          struct journal_handle *handle,
                          struct ext2_place *place);

/* Find room for a name of `length` bytes and bring the block in; a block may
 * be added to the directory, whose record the caller stores after. */
int ext2_directory_room(struct ext2_inode *directory,
                        struct journal_handle *handle, size_t length,
                        struct ext2_place *place);

/* Fill the room with a record, whose place is `place` from then on; have a
 * record name another inode; take a record away. Cannot fail. */
void ext2_directory_put(struct ext2_inode *directory, struct ext2_place *place,
                        struct name name, const struct ext2_inode *inode);
void ext2_directory_exchange(struct ext2_place *place,
                             const struct ext2_inode *inode);
void ext2_directory_remove(struct ext2_inode *directory,
                           struct ext2_place *place);

/* Fill a new directory's first block. */
void ext2_directory_format(struct ext2_inode *directory, void *block,
                           uint32_t parent);

/* The number in "..". */
int ext2_directory_parent(struct ext2_inode *directory, uint32_t *number);

/* inode_ops */
int ext2_read_directory(struct inode *inode, uint64_t *slot,
                        struct directory_entry *out);
int ext2_is_empty(struct inode *inode);

/* ---- names.c, rename.c --------------------------------------------------- */

/* `inode` has lost a name in `directory`: what comes of that for the links of
 * both, and for it if that was its last name. `super` and its `record` as for
 * ext2_orphan_add; the caller stores the directory's. Both are locked. */
void ext2_name_lost(struct ext2_inode *directory, struct ext2_inode *inode,
                    struct ext2_super *super, struct ext2_record *record);

/* inode_ops.rename */
int ext2_rename(const struct rename *rename);

#endif
