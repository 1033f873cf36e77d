/*
 * The ext2 file system, and ext3, which is the same with a log.
 *
 * Metadata (bitmaps, inode tables, blocks that lead to others, directories) is
 * changed through the journal, one operation's changes all or none; contents
 * go through a page cache of each file's own and reach the disk before the
 * metadata that shows them. What is found damaged, or cannot be written, makes
 * the file system read-only, after one line on the console; it never ends the
 * kernel.
 *
 * Calf has no clock of the day: times of new inodes are 0, others are left as
 * they are. Users and permissions are not looked at.
 */
#ifndef FS_EXT2_H
#define FS_EXT2_H

#include "dev/block.h"
#include "fs/vfs.h"

/*
 * Mount what is on `device`, which stays; replay its log and empty what was
 * unlinked before a crash, unless `read_only`. 0; -EINVAL: no ext2; -EUCLEAN:
 * a damaged one; -EOPNOTSUPP: a feature Calf does not know (all told on the
 * console); -EROFS: read-only and the log would have to be replayed; -EIO,
 * -ENOMEM. A device that cannot be written, a feature a writer would have to
 * know and a mark that errors were found make it read-only.
 */
int ext2_mount(struct block_device *device, bool read_only,
               struct superblock **out);

/* Make all that was done safe on disk. 0, -EIO, -EROFS (an error came before).
 * Holds no lock of this layer. */
int ext2_sync(struct superblock *superblock);

/* Whether ext2_sync would have anything to do. */
bool ext2_is_dirty(struct superblock *superblock);

/* Memory is short: give up inodes that nobody uses. Whether there were any. May
 * be called with locks up to LOCK_INODE held. */
bool ext2_shrink(struct superblock *superblock);

/* Sync, mark as clean and free it all. Nobody has an inode of it any more, but
 * for the superblock's own reference to the root. 0 or the error that kept it
 * from being clean; it is freed anyway. */
int ext2_unmount(struct superblock *superblock);

/* Whether it has become read-only, or was mounted so. */
bool ext2_is_read_only(struct superblock *superblock);

#endif
