/*
 * Renaming: one handle for both directories, for the ".." of a directory that
 * moves, and for the inode that is replaced.
 */
#include "fs/ext2/directory.h"
#include "lib/errno.h"

/* All that one rename changes. */
struct change {
    const struct rename *names;
    struct ext2_inode *from, *to, *inode, *replaced;
    struct journal_handle handle;
    bool moves; /* a directory to another directory: its ".." changes */
    struct ext2_record *from_record, *to_record, *record, *replaced_record;
    struct ext2_super *super;       /* if an inode is replaced */
    struct ext2_place old, new, up; /* `up`: if it moves */
};

/* Bring in the record of `name` in `directory`, which must name `inode`. */
static int change_name(struct change *change, struct ext2_inode *directory,
                       struct name name, const struct ext2_inode *inode,
                       struct ext2_place *place)
{
    int result = ext2_directory_find(directory, name, place);

    if (!result && place->number != inode->inode.number)
        result = -ENOENT;
    if (!result)
        result = ext2_directory_change(directory, &change->handle, place);
    return result;
}

/* Bring in the ".." of a directory that moves. */
static int change_up(struct change *change)
{
    int result = change_name(change, change->inode, (struct name){"..", 2},
                             change->from, &change->up);

    return result == -ENOENT
               ? ext2_corrupt(ext2_fs(&change->inode->inode),
                              "directory %u has another \"..\"",
                              (unsigned)change->inode->inode.number)
               : result;
}

/* Bring in the record of the new name and the inode that it names, or room. */
static int change_new(struct change *change)
{
    struct ext2 *fs = ext2_fs(&change->to->inode);
    int result;

    if (!change->replaced)
        return ext2_directory_room(change->to, &change->handle,
                                   change->names->new.length, &change->new);
    result =
        ext2_record_change(fs, &change->handle, change->replaced->inode.number,
                           &change->replaced_record);
    if (!result)
        result = ext2_super_change(fs, &change->handle, &change->super);
    if (!result)
        result = change_name(change, change->to, change->names->new,
                             change->replaced, &change->new);
    return result;
}

/* All steps that can fail. If one does, the directory may still have grown. */
static int prepare(struct change *change)
{
    struct ext2 *fs = ext2_fs(&change->from->inode);
    int result = ext2_record_change(
        fs, &change->handle, change->from->inode.number, &change->from_record);

    if (!result)
        result = change_name(change, change->from, change->names->old,
                             change->inode, &change->old);
    if (!result)
        result = ext2_record_change(
            fs, &change->handle, change->inode->inode.number, &change->record);
    if (!result && change->moves)
        result = change_up(change);
    if (!result)
        result = ext2_record_change(
            fs, &change->handle, change->to->inode.number, &change->to_record);
    if (result)
        return result;
    result = change_new(change);
    if (result)
        ext2_record_store(change->to, change->to_record);
    return result;
}

/* Make the new name lead to the inode. If that has split the record before the
 * old name, the new record now comes before the old name. */
static void put_new(struct change *change)
{
    struct ext2_place *old = &change->old, *new = &change->new;
    uint32_t split = new->offset;

    if (change->replaced) {
        ext2_directory_exchange(new, change->inode);
        inode_modified(&change->to->inode);
        ext2_name_lost(change->to, change->replaced, change->super,
                       change->replaced_record);
        return;
    }
    ext2_directory_put(change->to, new, change->names->new, change->inode);
    if (old->block == new->block && old->before == split &&
        old->before != old->offset)
        old->before = new->offset;
}

static void finish(struct change *change)
{
    put_new(change);
    ext2_directory_remove(change->from, &change->old);
    if (change->moves) {
        ext2_directory_exchange(&change->up, change->to);
        atomic_fetch_sub(&change->from->inode.links, 1);
        atomic_fetch_add(&change->to->inode.links, 1);
    }
    inode_changed(&change->inode->inode);
    ext2_record_store(change->inode, change->record);
    ext2_record_store(change->from, change->from_record);
    ext2_record_store(change->to, change->to_record);
}

static int rename_once(const struct rename *names)
{
    struct change change = {
        .names = names,
        .from = ext2_of(names->from),
        .to = ext2_of(names->to),
        .inode = ext2_of(names->inode),
        .replaced = names->replaced ? ext2_of(names->replaced) : NULL,
        .moves =
            names->inode->type == INODE_DIRECTORY && names->from != names->to,
    };
    int result =
        ext2_begin(ext2_fs(names->from), EXT2_NAME_BLOCKS, &change.handle);

    if (result)
        return result;
    result = prepare(&change);
    if (!result)
        finish(&change);
    ext2_end(ext2_fs(names->from), &change.handle);
    return result;
}

int ext2_rename(const struct rename *names)
{
    struct ext2 *fs = ext2_fs(names->from);
    bool moves_in = names->inode->type == INODE_DIRECTORY &&
                    names->from != names->to && !names->replaced;
    int result;

    if (moves_in && atomic_load(&names->to->links) >= EXT2_LINKS_MAX)
        return -EMLINK;
    ext2_orphans_free_some(fs);
    result = rename_once(names);
    return result == -ENOSPC ? ext2_no_room(fs) : result;
}
