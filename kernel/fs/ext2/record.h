/*
 * The records of inodes on disk: the part of private.h for record.c, with two
 * functions of geometry.c.
 */
#ifndef FS_EXT2_RECORD_H
#define FS_EXT2_RECORD_H

#include "fs/ext2/format.h"
#include "fs/journal/journal.h"
#include "vfs/vfs.h"

struct ext2;
struct ext2_inode;
struct ext2_view;

/* The record of inode `number`, to be read (bytes of `view`). */
int ext2_record_view(struct ext2 *fs, uint64_t number, struct ext2_view *view);

/* The same, to be changed by `handle`. */
int ext2_record_change(struct ext2 *fs, struct journal_handle *handle,
                       uint64_t number, struct ext2_record **record);

/* Fill an inode in memory, of the right type, from its record. 0, -EUCLEAN. */
int ext2_record_load(struct ext2_inode *inode,
                     const struct ext2_record *record);

/* Copy into an inode's record all that operations on names and contents
 * change. */
void ext2_record_store(struct ext2_inode *inode, struct ext2_record *record);

/* Copy the times of modification and of change alone. */
void ext2_record_store_times(struct ext2_inode *inode,
                             struct ext2_record *record);

/* Fill the record of a new inode. */
void ext2_record_format(struct ext2_inode *inode, struct ext2_record *record);

/* The kind of inode that a record has; false: it has none. */
bool ext2_record_shape(const struct ext2_record *record,
                       struct inode_shape *shape);

/* A new device's numbers, as records have them. */
void ext2_record_device(uint32_t pointers[EXT2_POINTERS], uint16_t major,
                        uint16_t minor);

/* inode_ops.setattr */
int ext2_setattr(struct inode *inode, unsigned which,
                 const struct file_stat *to);

#endif
