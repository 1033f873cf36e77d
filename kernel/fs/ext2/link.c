/*
 * Symbolic links: a short target lies in the inode, in place of pointers. A
 * longer one lies in a block, which is metadata for the journal, so that a new
 * link is on disk as a whole or not at all.
 */
#include "fs/ext2/private.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/uaccess.h"

bool ext2_link_is_short(const struct ext2_inode *link)
{
    return link->sectors <= ext2_attribute_sectors(link);
}

static int damaged(struct ext2_inode *link)
{
    return ext2_corrupt(ext2_fs(&link->inode),
                        "inode %u: no target of a symbolic link",
                        (unsigned)link->inode.number);
}

/* Copy from the target, which lies in `room` bytes. Its length must be the
 * link's size. */
static ssize_t copy_target(struct ext2_inode *link, struct cursor *cursor,
                           uint64_t offset, const char *target, size_t room)
{
    uint64_t size = atomic_load(&link->inode.size);
    size_t length;
    int result;

    if (size > room || strnlen(target, size) != size)
        return damaged(link);
    if (offset >= size)
        return 0;
    length = MIN(cursor->left, (size_t)(size - offset));
    result = cursor_put(cursor, target + offset, length);
    return result ? result : (ssize_t)length;
}

static ssize_t read(struct inode *inode, struct cursor *cursor, uint64_t offset)
{
    struct ext2_inode *link = ext2_of(inode);
    struct ext2 *fs = ext2_fs(inode);
    struct ext2_view view;
    uint32_t block;
    ssize_t result;

    if (ext2_link_is_short(link))
        return copy_target(link, cursor, offset, (const char *)link->pointers,
                           sizeof(link->pointers));
    hurry_begin();
    result = ext2_map_find(link, 0, &block);
    if (!result && !block)
        result = damaged(link);
    if (!result)
        result = ext2_view(fs, block, &view);
    hurry_end();
    if (result)
        return result;
    result = copy_target(link, cursor, offset, view.bytes, fs->block_size);
    ext2_unview(&view);
    return result;
}

const struct inode_ops ext2_link_ops = {
    .read = read,
    .setattr = ext2_setattr,
    .release = ext2_release,
};
