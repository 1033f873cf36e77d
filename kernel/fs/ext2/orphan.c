/*
 * Orphans: inodes without a name, until they are freed, and files that are
 * being truncated.
 *
 * The disk has a list of them, which begins in the superblock and goes through
 * a field of each record. So after a power cut the next mount frees inodes that
 * were open and unlinked, and finishes truncations. In memory the list has the
 * same order.
 *
 * The last reference to an unlinked inode may be put in any place, so the inode
 * is only marked as dead there. Later each operation that changes names or
 * contents does a step of freeing first; a sync, and an operation that finds no
 * room, free all dead inodes.
 */
#include "fs/ext2/private.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/string.h"

/* The most cached pages of an orphan that a hurried thread drops. */
#define HURRIED_PAGES 1024

void ext2_orphan_add(struct ext2_inode *inode, struct ext2_super *super,
                     struct ext2_record *record)
{
    struct ext2 *fs = ext2_fs(&inode->inode);

    mutex_lock(&fs->lock);
    if (!list_is_linked(&inode->orphan)) {
        record->orphan = super->orphan;
        super->orphan = (uint32_t)inode->inode.number;
        list_push_front(&fs->orphans, &inode->orphan);
    }
    mutex_unlock(&fs->lock);
}

/* Bring in the field that leads to `inode` in the list on disk. */
static int change_link(struct ext2_inode *inode, struct journal_handle *handle,
                       uint32_t **link)
{
    struct ext2 *fs = ext2_fs(&inode->inode);
    struct ext2_record *record;
    struct ext2_super *super;
    struct ext2_inode *before;
    int result;

    if (inode->orphan.prev == &fs->orphans) {
        result = ext2_super_change(fs, handle, &super);
        if (!result)
            *link = &super->orphan;
        return result;
    }
    before = list_entry(inode->orphan.prev, struct ext2_inode, orphan);
    result = ext2_record_change(fs, handle, before->inode.number, &record);
    if (!result)
        *link = &record->orphan;
    return result;
}

/* Take an inode out of the list. On failure nothing has changed. */
static int remove_orphan(struct ext2_inode *inode,
                         struct journal_handle *handle,
                         struct ext2_record *record)
{
    struct ext2 *fs = ext2_fs(&inode->inode);
    uint32_t *link;
    int result = 0;

    mutex_lock(&fs->lock);
    if (list_is_linked(&inode->orphan)) {
        result = change_link(inode, handle, &link);
        if (!result) {
            *link = record->orphan;
            record->orphan = 0;
            list_remove(&inode->orphan);
        }
    }
    mutex_unlock(&fs->lock);
    return result;
}

/* Whether its pointers lead to blocks. */
static bool has_map(const struct ext2_inode *inode)
{
    return inode->mode == EXT2_MODE_FILE ||
           inode->mode == EXT2_MODE_DIRECTORY ||
           (inode->mode == EXT2_MODE_LINK && !ext2_link_is_short(inode));
}

/* The first block beyond the size. */
static uint64_t first_beyond(const struct ext2_inode *inode)
{
    uint32_t block_size = ext2_fs(&inode->inode)->block_size;
    uint64_t size = atomic_load(&inode->inode.size);

    return inode->mode == EXT2_MODE_DIRECTORY
               ? inode->blocks
               : align_up(size, block_size) / block_size;
}

/* Truncate as much as one handle allows. 0: all is done; -EAGAIN: go on. */
static int truncate_step(struct ext2_inode *inode)
{
    struct ext2 *fs = ext2_fs(&inode->inode);
    struct journal_handle handle;
    struct ext2_record *record;
    int result = ext2_begin(fs, EXT2_TRUNCATE_BLOCKS, &handle);

    if (result)
        return result;
    result = ext2_record_change(fs, &handle, inode->inode.number, &record);
    if (!result) {
        result = ext2_truncate_blocks(inode, &handle, first_beyond(inode));
        if (!result && atomic_load(&inode->inode.links))
            result = remove_orphan(inode, &handle, record);
        ext2_record_store(inode, record);
    }
    ext2_end(fs, &handle);
    return result;
}

int ext2_truncate_finish(struct ext2_inode *inode)
{
    while (inode->truncate_pending) {
        int result = truncate_step(inode);

        if (!result)
            inode->truncate_pending = false;
        else if (result != -EAGAIN)
            return result;
    }
    return 0;
}

/* A file with a name and with blocks beyond its size, with a reference, or
 * NULL. */
static struct ext2_inode *take_longer(struct ext2 *fs)
{
    struct ext2_inode *inode, *found = NULL;

    mutex_lock(&fs->lock);
    spin_lock(&fs->table);
    list_for_each(inode, &fs->orphans, orphan)
        if (inode->truncate_pending && atomic_load(&inode->inode.links))
            found = inode;
    if (found)
        ext2_inode_reuse(fs, found);
    spin_unlock(&fs->table);
    mutex_unlock(&fs->lock);
    return found;
}

int ext2_truncate_all(struct ext2 *fs)
{
    struct ext2_inode *inode;
    int result = 0;

    while (!result && (inode = take_longer(fs))) {
        mutex_lock(&inode->inode.mutex);
        do
            result = ext2_truncate_finish(inode);
        while (hurry_again(&result));
        mutex_unlock(&inode->inode.mutex);
        inode_put(&inode->inode);
    }
    return result;
}

/* ---- Freeing ------------------------------------------------------------- */

/* The block of extended attributes has one user less; if none is left, free it.
 */
static int drop_attributes(struct ext2_inode *inode,
                           struct journal_handle *handle)
{
    struct ext2 *fs = ext2_fs(&inode->inode);
    struct ext2_freeing freeing = {.fs = fs, .handle = handle};
    struct ext2_attributes *attributes;
    void *bytes;
    int result;

    if (!inode->attributes)
        return 0;
    if (!ext2_is_data(fs, inode->attributes))
        return ext2_corrupt(fs, "inode %u: attributes in block %u",
                            (unsigned)inode->inode.number, inode->attributes);
    result = journal_change(handle, inode->attributes, &bytes);
    if (result)
        return result;
    attributes = bytes;
    if (attributes->magic != EXT2_ATTRIBUTES_MAGIC || !attributes->users)
        return ext2_corrupt(fs, "block %u has no attributes",
                            inode->attributes);
    if (attributes->users > 1) {
        attributes->users--;
    } else {
        result = ext2_free_prepare(&freeing, inode->attributes);
        if (!result)
            result = journal_revoke(handle, inode->attributes);
        if (result)
            return result;
        ext2_free_block(&freeing, inode->attributes);
    }
    inode->attributes = 0;
    return 0;
}

/* All blocks of the map are free: free the inode itself. */
static int free_inode(struct ext2_inode *inode, struct journal_handle *handle,
                      struct ext2_record *record)
{
    struct ext2 *fs = ext2_fs(&inode->inode);
    uint32_t number = (uint32_t)inode->inode.number;
    struct ext2_bits bits;
    int result = drop_attributes(inode, handle);

    record->attributes = inode->attributes;
    if (!result)
        result = ext2_free_inode_prepare(fs, handle, number, &bits);
    if (!result)
        result = remove_orphan(inode, handle, record);
    if (result)
        return result;
    /* First of all: once the number is free, a new inode may have it. */
    ext2_inode_forget(inode);
    memset(record, 0, fs->inode_size);
    ext2_free_inode(fs, &bits, number, inode->inode.type == INODE_DIRECTORY);
    return 0;
}

/* Free as much of a dead inode as one handle allows. 0: it is freed; -EAGAIN:
 * go on. */
static int free_orphan_step(struct ext2_inode *inode)
{
    struct ext2 *fs = ext2_fs(&inode->inode);
    struct journal_handle handle;
    struct ext2_record *record;
    int result = ext2_begin(fs, EXT2_TRUNCATE_BLOCKS, &handle);

    if (result)
        return result;
    result = ext2_record_change(fs, &handle, inode->inode.number, &record);
    if (!result) {
        if (has_map(inode))
            result = ext2_truncate_blocks(inode, &handle, 0);
        ext2_record_store(inode, record);
        if (!result)
            result = free_inode(inode, &handle, record);
    }
    ext2_end(fs, &handle);
    return result;
}

/* Do a step of freeing the first dead inode. 0: there is none; -EAGAIN: go on.
 * A hurried thread does nothing if another thread frees one. */
static int free_one_orphan(struct ext2 *fs)
{
    struct ext2_inode *inode = NULL;
    struct list *first;
    int result = 0;

    if (!hurried())
        mutex_lock(&fs->freeing);
    else if (!mutex_try(&fs->freeing))
        return 0;
    spin_lock(&fs->table);
    first = list_first(&fs->dead);
    if (first)
        inode = list_entry(first, struct ext2_inode, queue);
    spin_unlock(&fs->table);
    if (inode) {
        if (inode->inode.type == INODE_FILE) {
            atomic_store(&inode->cache.end, 0);
            if (hurried() && atomic_load(&inode->cache.pages) > HURRIED_PAGES)
                result = -EBUSY;
            else if (!cache_drop(&inode->cache, 0, !hurried()))
                result = -EBUSY;
        }
        if (!result)
            result = free_orphan_step(inode);
        if (!result) {
            ext2_inode_destroy(inode);
            result = -EAGAIN;
        }
    }
    mutex_unlock(&fs->freeing);
    return result;
}

bool ext2_has_orphans(struct ext2 *fs)
{
    bool any;

    mutex_lock(&fs->lock);
    any = !list_is_empty(&fs->orphans);
    mutex_unlock(&fs->lock);
    return any;
}

static bool has_dead(struct ext2 *fs)
{
    bool any;

    spin_lock(&fs->table);
    any = !list_is_empty(&fs->dead);
    spin_unlock(&fs->table);
    return any;
}

void ext2_orphans_free_some(struct ext2 *fs)
{
    hurry_begin();
    if (has_dead(fs))
        (void)free_one_orphan(fs);
    hurry_end();
}

int ext2_orphans_free(struct ext2 *fs)
{
    int result;

    do
        result = free_one_orphan(fs);
    while (result == -EAGAIN || hurry_again(&result));
    return result;
}

static int make_room(void *of, uint64_t)
{
    struct ext2 *fs = of;
    int result = ext2_orphans_free(fs);

    if (!result && !ext2_enter(fs))
        result = -EROFS;
    if (result)
        return -ENOSPC;
    if (ext2_holds_blocks(fs))
        result = journal_commit(fs->journal);
    ext2_leave(fs);
    thread_current()->made_room = true;
    return result ? -ENOSPC : 0;
}

/* An operation waits for room only once. It might have to wait for ever: each
 * time, others may take the room, or it may itself free blocks that wait for a
 * commit. */
int ext2_no_room(struct ext2 *fs)
{
    bool may_be_made = has_dead(fs);

    if (thread_current()->made_room || !ext2_enter(fs))
        return -ENOSPC;
    may_be_made |= ext2_holds_blocks(fs);
    ext2_leave(fs);
    return may_be_made ? hurry_note(make_room, fs, 0) : -ENOSPC;
}

/* ---- At mount ------------------------------------------------------------ */

/* Load one inode of the list on disk; *next is the number after it. */
static int load_orphan(struct ext2 *fs, uint32_t number, uint32_t *next,
                       struct ext2_inode **out)
{
    const struct ext2_record *record;
    struct ext2_view view;
    int result = 0;

    if (number < fs->first_inode || number > fs->inodes)
        return ext2_corrupt(fs, "no inode for an orphan: %u", number);
    result = ext2_record_view(fs, number, &view);
    if (result)
        return result;
    record = view.bytes;
    *next = record->orphan;
    ext2_unview(&view);
    result = ext2_inode_get(fs, number, (struct name){"", 0}, true, out);
    if (result)
        return result;
    if (list_is_linked(&(*out)->orphan)) {
        inode_put(&(*out)->inode);
        return ext2_corrupt(fs, "orphan %u is in the list twice", number);
    }
    list_push_back(&fs->orphans, &(*out)->orphan);
    return 0;
}

/* Finish an inode of that list. If it has a name, it was being truncated, so it
 * must have a map of blocks: a short symbolic link and a device have none. */
static int finish_orphan(struct ext2_inode *inode)
{
    if (!atomic_load(&inode->inode.links))
        return 0;
    if (!has_map(inode))
        return ext2_corrupt(ext2_fs(&inode->inode),
                            "orphan %u has a name, and no blocks",
                            (unsigned)inode->inode.number);
    inode->truncate_pending = true;
    int result;
    do
        result = ext2_truncate_finish(inode);
    while (hurry_again(&result));
    return result;
}

int ext2_orphans_load(struct ext2 *fs, uint32_t first)
{
    struct ext2_inode *inode = NULL;
    struct list *at;
    unsigned count = 0;
    int result = 0;

    while (first && !result) {
        result = load_orphan(fs, first, &first, &inode);
        count += !result;
    }
    if (count)
        ext2_say(fs, "%u unlinked or shortened file%s to be finished", count,
                 count == 1 ? "" : "s");
    for (at = fs->orphans.next; at != &fs->orphans;) {
        inode = list_entry(at, struct ext2_inode, orphan);
        at = at->next;
        if (!result)
            result = finish_orphan(inode);
        inode_put(&inode->inode);
    }
    return result ? result : ext2_orphans_free(fs);
}
