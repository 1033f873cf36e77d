/*
 * The operations on names: one handle each. Callers are hurried: if an
 * operation would have to wait for a block of metadata, the journal or room, it
 * ends with -ERESTART.
 */
#include "fs/ext2/directory.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/uaccess.h"

/* A directory without a name has its parent in memory: on the disk, the number
 * in its ".." may belong to another inode by now. */
static int lookup_parent(struct ext2_inode *directory, struct ext2_inode **out)
{
    struct ext2 *fs = ext2_fs(&directory->inode);
    uint32_t number;
    int result;

    if (directory->inode.number == EXT2_ROOT || directory->parent) {
        *out = directory->parent ? ext2_of(directory->parent) : directory;
        inode_get(&(*out)->inode);
        return 0;
    }
    result = ext2_directory_parent(directory, &number);
    if (!result)
        result = ext2_inode_get(fs, number, (struct name){"", 0}, false, out);
    if (!result && (*out)->inode.type != INODE_DIRECTORY) {
        inode_put(&(*out)->inode);
        result = ext2_corrupt(fs, "directory %u: its \"..\" is none",
                              (unsigned)directory->inode.number);
    }
    return result;
}

static int lookup(struct inode *base, struct name name, struct inode **out)
{
    struct ext2_inode *directory = ext2_of(base), *found = NULL;
    struct ext2_place place;
    int result;

    if (name_is(name, "..")) {
        result = lookup_parent(directory, &found);
    } else {
        result = ext2_directory_find(directory, name, &place);
        if (!result)
            result = ext2_inode_get(ext2_fs(base), place.number, name, false,
                                    &found);
    }
    if (!result)
        *out = &found->inode;
    return result;
}

/* ---- Creating ------------------------------------------------------------ */

/* A target with its end must fit in place of the pointers, as e2fsck expects.
 */
static bool has_short_target(const struct inode_shape *shape)
{
    return shape->type == INODE_LINK &&
           shape->target.length < EXT2_POINTERS * sizeof(uint32_t);
}

static struct ext2_inode *new_inode(struct ext2 *fs, struct name name,
                                    const struct inode_shape *shape)
{
    static const uint16_t modes[] = {[INODE_DIRECTORY] = EXT2_MODE_DIRECTORY,
                                     [INODE_DEVICE] = EXT2_MODE_CHARACTER,
                                     [INODE_FILE] = EXT2_MODE_FILE,
                                     [INODE_LINK] = EXT2_MODE_LINK};
    struct ext2_inode *inode =
        ext2_inode_new(fs, modes[shape->type], 1, shape, name);

    if (!inode)
        return NULL;
    if (shape->type == INODE_DEVICE)
        ext2_record_device(inode->pointers, shape->major, shape->minor);
    atomic_store(&inode->inode.size, shape->target.length);
    if (has_short_target(shape))
        memcpy(inode->pointers, shape->target.text, shape->target.length);
    return inode;
}

/* Fill the first block of a new inode. */
static void fill_block(struct ext2_inode *directory, struct ext2_inode *new,
                       const struct inode_shape *shape, void *bytes)
{
    if (shape->type == INODE_DIRECTORY) {
        ext2_directory_sized(new, 1);
        ext2_directory_format(new, bytes, (uint32_t)directory->inode.number);
    } else {
        memcpy(bytes, shape->target.text, shape->target.length);
    }
}

/* Give the new inode a number, a record and, if it needs one, a block. */
static int place_inode(struct ext2_inode *directory, struct ext2_inode *new,
                       const struct inode_shape *shape,
                       struct journal_handle *handle)
{
    struct ext2 *fs = ext2_fs(&directory->inode);
    bool is_directory = shape->type == INODE_DIRECTORY;
    bool has_block =
        is_directory || (shape->type == INODE_LINK && !has_short_target(shape));
    uint32_t group = ext2_group_of_inode(fs, directory->inode.number), block;
    struct ext2_record *record;
    struct ext2_take take;
    void *bytes;
    bool made;
    int result = ext2_take_inode(fs, handle, group, is_directory, &take);

    if (result)
        return result;
    new->inode.number = take.number;
    new->goal = fs->first_block +
                ext2_group_of_inode(fs, take.number) * fs->blocks_per_group;
    result = ext2_record_change(fs, handle, take.number, &record);
    if (!result && has_block)
        result = ext2_map_make(new, handle, 0, &block, &made, &bytes);
    atomic_store(&new->inode.links, is_directory ? 2 : 1);
    if (!result)
        result = ext2_inode_publish(new);
    if (result) {
        ext2_untake_inode(fs, &take);
        return result;
    }
    if (has_block)
        fill_block(directory, new, shape, bytes);
    ext2_record_format(new, record);
    return 0;
}

static int create_step(struct ext2_inode *directory, struct name name,
                       struct ext2_inode *new, const struct inode_shape *shape,
                       struct journal_handle *handle)
{
    struct ext2 *fs = ext2_fs(&directory->inode);
    struct ext2_record *record;
    struct ext2_place place;
    int result =
        ext2_record_change(fs, handle, directory->inode.number, &record);

    if (!result)
        result = ext2_directory_room(directory, handle, name.length, &place);
    if (result)
        return result;
    result = place_inode(directory, new, shape, handle);
    if (!result) {
        ext2_directory_put(directory, &place, name, new);
        if (new->inode.type == INODE_DIRECTORY)
            atomic_fetch_add(&directory->inode.links, 1);
    }
    /* The directory may have grown even if no inode was made. */
    ext2_record_store(directory, record);
    return result;
}

static int create_once(struct ext2_inode *directory, struct name name,
                       const struct inode_shape *shape, struct inode **out)
{
    struct ext2 *fs = ext2_fs(&directory->inode);
    struct ext2_inode *new = new_inode(fs, name, shape);
    struct journal_handle handle;
    int result = new ? ext2_begin(fs, EXT2_NAME_BLOCKS, &handle) : -ENOMEM;

    if (!result) {
        result = create_step(directory, name, new, shape, &handle);
        ext2_end(fs, &handle);
    }
    if (result)
        ext2_inode_free(new);
    else
        *out = &new->inode;
    return result;
}

static int create(struct inode *base, struct name name,
                  const struct inode_shape *shape, struct inode **out)
{
    struct ext2 *fs = ext2_fs(base);
    int result;

    if (shape->type == INODE_DIRECTORY &&
        atomic_load(&base->links) >= EXT2_LINKS_MAX)
        return -EMLINK;
    if (shape->major > 0xfff)
        return -EINVAL;
    if (shape->target.length >= fs->block_size)
        return -ENAMETOOLONG;
    ext2_orphans_free_some(fs);
    result = create_once(ext2_of(base), name, shape, out);
    return result == -ENOSPC ? ext2_no_room(fs) : result;
}

/* ---- Linking and unlinking ----------------------------------------------- */

static int link_once(struct ext2_inode *directory, struct name name,
                     struct ext2_inode *inode)
{
    struct ext2 *fs = ext2_fs(&directory->inode);
    struct ext2_record *record, *linked;
    struct journal_handle handle;
    struct ext2_place place;
    int result = ext2_begin(fs, EXT2_NAME_BLOCKS, &handle);

    if (result)
        return result;
    result = ext2_record_change(fs, &handle, directory->inode.number, &record);
    if (!result)
        result = ext2_record_change(fs, &handle, inode->inode.number, &linked);
    if (!result)
        result = ext2_directory_room(directory, &handle, name.length, &place);
    if (!result) {
        atomic_fetch_add(&inode->inode.links, 1);
        inode_changed(&inode->inode);
        ext2_directory_put(directory, &place, name, inode);
        ext2_record_store(inode, linked);
        ext2_record_store(directory, record);
    }
    ext2_end(fs, &handle);
    return result;
}

static int link(struct inode *base, struct name name, struct inode *inode)
{
    struct ext2 *fs = ext2_fs(base);
    int result;

    if (atomic_load(&inode->links) >= EXT2_LINKS_MAX)
        return -EMLINK;
    ext2_orphans_free_some(fs);
    result = link_once(ext2_of(base), name, ext2_of(inode));
    return result == -ENOSPC ? ext2_no_room(fs) : result;
}

void ext2_name_lost(struct ext2_inode *directory, struct ext2_inode *inode,
                    struct ext2_super *super, struct ext2_record *record)
{
    if (inode->inode.type == INODE_DIRECTORY) {
        atomic_store(&inode->inode.links, 0);
        atomic_fetch_sub(&directory->inode.links, 1);
        inode->parent = inode_get(&directory->inode);
    } else {
        atomic_fetch_sub(&inode->inode.links, 1);
    }
    inode_changed(&inode->inode);
    ext2_record_store(inode, record);
    if (!atomic_load(&inode->inode.links))
        ext2_orphan_add(inode, super, record);
}

static int unlink(struct inode *base, struct name name, struct inode *inode)
{
    struct ext2_inode *directory = ext2_of(base);
    struct ext2 *fs = ext2_fs(base);
    struct ext2_record *record, *unlinked;
    struct journal_handle handle;
    struct ext2_super *super;
    struct ext2_place place;
    int result;

    ext2_orphans_free_some(fs);
    result = ext2_begin(fs, EXT2_NAME_BLOCKS, &handle);
    if (result)
        return result;
    result = ext2_directory_find(directory, name, &place);
    if (!result && place.number != inode->number)
        result = -ENOENT;
    if (!result)
        result = ext2_directory_change(directory, &handle, &place);
    if (!result)
        result = ext2_record_change(fs, &handle, base->number, &record);
    if (!result)
        result = ext2_record_change(fs, &handle, inode->number, &unlinked);
    if (!result)
        result = ext2_super_change(fs, &handle, &super);
    if (!result) {
        ext2_directory_remove(directory, &place);
        ext2_name_lost(directory, ext2_of(inode), super, unlinked);
        ext2_record_store(directory, record);
    }
    ext2_end(fs, &handle);
    return result;
}

const struct inode_ops ext2_directory_ops = {
    .lookup = lookup,
    .create = create,
    .link = link,
    .unlink = unlink,
    .rename = ext2_rename,
    .read_directory = ext2_read_directory,
    .is_empty = ext2_is_empty,
    .setattr = ext2_setattr,
    .release = ext2_release,
};

const struct inode_ops ext2_special_ops = {
    .setattr = ext2_setattr,
    .release = ext2_release,
};
