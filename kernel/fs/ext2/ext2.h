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
 * Owners and permissions are kept, and not looked at. Reading a file leaves its
 * time of access as it is.
 */
#ifndef FS_EXT2_EXT2_H
#define FS_EXT2_EXT2_H

#include "dev/block.h"
#include "vfs/vfs.h"

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

#endif
