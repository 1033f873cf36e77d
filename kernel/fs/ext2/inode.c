/*
 * Inodes by number.
 *
 * An inode that is not in use stays in memory with its pages, so that a program
 * that is run again reads nothing. The oldest are freed when there are too
 * many, or when memory is short. An inode without names waits in another queue
 * until its blocks have been freed (orphan.c).
 */
#include "fs/ext2/directory.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"

/* ---- Inodes in memory ---------------------------------------------------- */

static struct list *bucket_of(struct ext2 *fs, uint64_t number)
{
    return &fs->buckets[number % EXT2_BUCKETS];
}

static const struct inode_ops *ops_for(uint16_t mode)
{
    switch (mode) {
    case EXT2_MODE_DIRECTORY:
        return &ext2_directory_ops;
    case EXT2_MODE_FILE:
        return &ext2_file_ops;
    case EXT2_MODE_LINK:
        return &ext2_link_ops;
    default:
        return &ext2_special_ops;
    }
}

struct ext2_inode *ext2_inode_new(struct ext2 *fs, uint16_t mode,
                                  uint32_t number,
                                  const struct inode_shape *shape,
                                  struct name label)
{
    struct ext2_inode *inode = slab_alloc_zeroed(sizeof(*inode));

    if (!inode)
        return NULL;
    inode_init(&inode->inode, &fs->superblock, ops_for(mode), number, shape);
    inode->mode = mode;
    list_init(&inode->bucket);
    list_init(&inode->queue);
    list_init(&inode->dirty);
    list_init(&inode->timed);
    list_init(&inode->orphan);
    mutex_init(&inode->map, LOCK_OBJECT);
    ext2_file_init(inode, label);
    return inode;
}

void ext2_inode_free(struct ext2_inode *inode)
{
    slab_free(inode);
}

/* The inode with that number, or NULL. The table is locked. */
static struct ext2_inode *find(struct ext2 *fs, uint64_t number)
{
    struct ext2_inode *inode;

    list_for_each(inode, bucket_of(fs, number), bucket) {
        if (inode->inode.number == number)
            return inode;
    }
    return NULL;
}

void ext2_inode_reuse(struct ext2 *fs, struct ext2_inode *inode)
{
    if (list_is_linked(&inode->queue)) {
        list_remove(&inode->queue);
        fs->unused_count--;
    }
    inode_get(&inode->inode);
}

/* The inode if it is in memory: 0, or -ENOENT, or -EUCLEAN. */
static int get_known(struct ext2 *fs, uint32_t number, struct ext2_inode **out)
{
    int result = 0;

    spin_lock(&fs->table);
    *out = find(fs, number);
    if (!*out)
        result = -ENOENT;
    else if (!atomic_load(&(*out)->inode.links))
        result = -EUCLEAN;
    else
        ext2_inode_reuse(fs, *out);
    spin_unlock(&fs->table);
    if (result == -EUCLEAN)
        ext2_corrupt(fs, "inode %u has a name too many", number);
    return result;
}

/* Read an inode that is not in memory. */
static int load(struct ext2 *fs, uint32_t number, struct name label,
                bool orphan, struct ext2_inode **out)
{
    const struct ext2_record *record;
    struct inode_shape shape;
    struct ext2_view view;
    struct ext2_inode *inode = NULL;
    uint16_t mode;
    int result = ext2_record_view(fs, number, &view);

    if (result)
        return result;
    record = view.bytes;
    mode = record->mode & EXT2_MODE_TYPE;
    if (!ext2_record_shape(record, &shape) || (!record->links && !orphan)) {
        result = ext2_corrupt(fs, "inode %u has a name, but is free", number);
    } else {
        inode = ext2_inode_new(fs, mode, number, &shape, label);
        result = inode ? ext2_record_load(inode, record) : -ENOMEM;
    }
    ext2_unview(&view);
    if (result) {
        ext2_inode_free(inode);
        return result;
    }
    result = ext2_inode_publish(inode);
    if (result)
        ext2_inode_free(inode);
    else
        *out = inode;
    return result;
}

int ext2_inode_get(struct ext2 *fs, uint32_t number, struct name label,
                   bool orphan, struct ext2_inode **out)
{
    int result;

    if (!number || number > fs->inodes ||
        (number < fs->first_inode && number != EXT2_ROOT))
        return ext2_corrupt(fs, "no inode for a name: %u", number);
    result = get_known(fs, number, out);
    if (result != -ENOENT)
        return result;
    mutex_lock(&fs->loading);
    result = get_known(fs, number, out);
    if (result == -ENOENT)
        result = load(fs, number, label, orphan, out);
    mutex_unlock(&fs->loading);
    return result;
}

int ext2_inode_publish(struct ext2_inode *inode)
{
    struct ext2 *fs = ext2_fs(&inode->inode);
    bool taken;

    inode->goal =
        fs->first_block +
        ext2_group_of_inode(fs, inode->inode.number) * fs->blocks_per_group;
    spin_lock(&fs->table);
    taken = find(fs, inode->inode.number) != NULL;
    if (!taken)
        list_push_front(bucket_of(fs, inode->inode.number), &inode->bucket);
    spin_unlock(&fs->table);
    return taken ? ext2_corrupt(fs, "inode %u is in use, and was free",
                                (unsigned)inode->inode.number)
                 : 0;
}

void ext2_inode_forget(struct ext2_inode *inode)
{
    struct ext2 *fs = ext2_fs(&inode->inode);

    spin_lock(&fs->table);
    list_remove(&inode->bucket);
    list_remove(&inode->queue);
    list_remove(&inode->dirty);
    list_remove(&inode->timed);
    spin_unlock(&fs->table);
}

void ext2_inode_destroy(struct ext2_inode *inode)
{
    if (inode->inode.type == INODE_FILE)
        cache_drop(&inode->cache, 0, true);
    name_index_drop(&inode->index);
    inode_put(inode->parent);
    ext2_inode_free(inode);
}

/* Take the oldest unused inode that can be freed out of all lists; or NULL. */
static struct ext2_inode *take_unused(struct ext2 *fs, uint32_t keep, bool all)
{
    struct ext2_inode *inode = NULL, *found = NULL;

    spin_lock(&fs->table);
    if (fs->unused_count > keep) {
        list_for_each(inode, &fs->unused, queue) {
            if (all ||
                (!list_is_linked(&inode->dirty) &&
                 !list_is_linked(&inode->timed) && !inode->truncate_pending)) {
                found = inode;
                break;
            }
        }
    }
    if (found) {
        list_remove(&found->bucket);
        list_remove(&found->queue);
        list_remove(&found->dirty);
        list_remove(&found->timed);
        fs->unused_count--;
    }
    spin_unlock(&fs->table);
    return found;
}

bool ext2_inode_evict(struct ext2 *fs, uint32_t keep, bool all)
{
    struct ext2_inode *inode;
    bool any = false;

    while ((inode = take_unused(fs, keep, all))) {
        any = true;
        ext2_inode_destroy(inode);
    }
    return any;
}

/* There are too many unused inodes: free some. Dirty ones cannot be freed yet,
 * and looking through them takes time. So the next eviction waits until there
 * are `step` more unused inodes than are left now. */
static void evict_many(struct ext2 *fs)
{
    uint32_t step = fs->unused_limit / 8;

    ext2_inode_evict(fs, fs->unused_limit - step, false);
    spin_lock(&fs->table);
    fs->unused_bound = MAX(fs->unused_limit, fs->unused_count + step);
    spin_unlock(&fs->table);
}

void ext2_release(struct inode *base)
{
    struct ext2_inode *inode = ext2_of(base);
    struct ext2 *fs = ext2_fs(base);
    bool many;

    spin_lock(&fs->table);
    if (inode_drop(base)) {
        if (atomic_load(&base->links)) {
            list_push_back(&fs->unused, &inode->queue);
            fs->unused_count++;
        } else {
            list_push_back(&fs->dead, &inode->queue);
        }
    }
    /* An eviction may wait, so a hurried thread, for whose locks others may
     * wait, does none. */
    many = fs->unused_count > fs->unused_bound && !hurried();
    spin_unlock(&fs->table);
    if (many)
        evict_many(fs);
}

/* ---- Dirty contents ------------------------------------------------------ */

void ext2_inode_dirtied(struct ext2_inode *inode)
{
    struct ext2 *fs = ext2_fs(&inode->inode);

    inode_modified(&inode->inode);
    spin_lock(&fs->table);
    if (!list_is_linked(&inode->dirty))
        list_push_back(&fs->dirty, &inode->dirty);
    if (!list_is_linked(&inode->timed))
        list_push_back(&fs->timed, &inode->timed);
    spin_unlock(&fs->table);
}

static unsigned count(struct ext2 *fs, const struct list *list)
{
    unsigned number = 0;

    spin_lock(&fs->table);
    for (struct list *at = list->next; at != list; at = at->next)
        number++;
    spin_unlock(&fs->table);
    return number;
}

/* Take a reference to an inode that has something to write; false: it is dead,
 * so nothing of it need be written. The table is locked. */
static bool take_to_write(struct ext2 *fs, struct ext2_inode *inode)
{
    if (!atomic_load(&inode->inode.count) && !atomic_load(&inode->inode.links))
        return false;
    ext2_inode_reuse(fs, inode);
    return true;
}

/* Move the first dirty inode to `done` and take a reference; NULL: none. */
static struct ext2_inode *next_dirty(struct ext2 *fs, struct list *done)
{
    struct ext2_inode *inode = NULL;
    struct list *link;

    spin_lock(&fs->table);
    while (!inode && (link = list_pop_front(&fs->dirty))) {
        inode = list_entry(link, struct ext2_inode, dirty);
        if (take_to_write(fs, inode))
            list_push_back(done, &inode->dirty);
        else
            inode = NULL;
    }
    spin_unlock(&fs->table);
    return inode;
}

/* Inodes that are dirty still, or again, go back to the list. */
static void end_dirty(struct ext2 *fs, struct list *done)
{
    struct list *link;

    spin_lock(&fs->table);
    while ((link = list_pop_front(done)))
        if (cache_is_dirty(&list_entry(link, struct ext2_inode, dirty)->cache))
            list_push_back(&fs->dirty, link);
    spin_unlock(&fs->table);
}

int ext2_write_contents(struct ext2 *fs)
{
    struct ext2_inode *inode;
    struct list done;
    int error = 0;

    list_init(&done);
    mutex_lock(&fs->contents);
    /* As many as there are now: writers must not keep this loop going. */
    for (unsigned left = count(fs, &fs->dirty); left; left--) {
        int result;

        inode = next_dirty(fs, &done);
        if (!inode)
            break;
        result = cache_write(&inode->cache);
        if (!error)
            error = result;
        inode_put(&inode->inode);
    }
    end_dirty(fs, &done);
    mutex_unlock(&fs->contents);
    return error;
}

/* ---- Times --------------------------------------------------------------- */

/* The first inode whose times are not in its record, with a reference and no
 * longer in the list; NULL: none. */
static struct ext2_inode *next_timed(struct ext2 *fs)
{
    struct ext2_inode *inode = NULL;
    struct list *link;

    spin_lock(&fs->table);
    while (!inode && (link = list_pop_front(&fs->timed))) {
        inode = list_entry(link, struct ext2_inode, timed);
        if (!take_to_write(fs, inode))
            inode = NULL;
    }
    spin_unlock(&fs->table);
    return inode;
}

static int store_times(struct ext2 *fs, struct ext2_inode *inode)
{
    struct journal_handle handle;
    struct ext2_record *record;
    int result = ext2_begin(fs, 1, &handle);

    if (result)
        return result;
    result = ext2_record_change(fs, &handle, inode->inode.number, &record);
    if (!result)
        ext2_record_store_times(inode, record);
    ext2_end(fs, &handle);
    return result;
}

int ext2_write_times(struct ext2 *fs)
{
    struct ext2_inode *inode;
    int result = 0;

    for (unsigned left = count(fs, &fs->timed); left && !result; left--) {
        inode = next_timed(fs);
        if (!inode)
            break;
        do
            result = store_times(fs, inode);
        while (hurry_again(&result));
        if (result && !ext2_is_read_only(fs)) {
            spin_lock(&fs->table);
            if (!list_is_linked(&inode->timed))
                list_push_back(&fs->timed, &inode->timed);
            spin_unlock(&fs->table);
        }
        inode_put(&inode->inode);
    }
    return result;
}
