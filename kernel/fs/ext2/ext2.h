/*
 * The ext2 file system, and ext3, which is the same with a log.
 *
 * Metadata (bitmaps, inode tables, indirect blocks, directories) is changed
 * through the journal: of the changes of one operation, all or none reach the
 * disk. Contents go through a cache of each file and reach the disk before the
 * metadata that leads to them. Damage on the disk, or an error in writing,
 * makes the file system read-only, after one line on the console; it never
 * stops the kernel.
 *
 * Owners and permissions are kept, but not enforced. Reading a file leaves its
 * time of access as it is.
 */
#ifndef FS_EXT2_EXT2_H
#define FS_EXT2_EXT2_H

#include "dev/block.h"
#include "vfs/vfs.h"

/*
 * Mount the file system on `device`, which must stay. Unless `read_only`,
 * replay its log and free the inodes that were unlinked before a crash. 0;
 * -EINVAL: no ext2; -EUCLEAN: it is damaged; -EOPNOTSUPP: a feature that Calf
 * does not know (each with a line on the console); -EROFS: read-only, and the
 * log would have to be replayed; -EIO, -ENOMEM. The file system is read-only if
 * the device is, if it has a feature that must be known to write, or if it is
 * marked as damaged.
 */
int ext2_mount(struct block_device *device, bool read_only,
               struct superblock **out);

#endif
