/*
 * The records of inodes in the tables on disk: loading an inode in memory from
 * its record, and storing it there.
 */
#include "fs/ext2/directory.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "sched/realtime.h"

/* The block that record `number` is in, and its offset there. Inodes that were
 * made together are often used together, so blocks near it are read as well. */
static uint32_t record_block(struct ext2 *fs, uint64_t number, uint32_t *offset)
{
    uint64_t index = (number - 1) % fs->inodes_per_group;
    uint64_t at = index * fs->inode_size;
    uint32_t block = fs->groups[ext2_group_of_inode(fs, number)].inode_table +
                     (uint32_t)(at / fs->block_size);

    *offset = (uint32_t)(at % fs->block_size);
    cache_read_around(&fs->metadata,
                      block >> (HAL_PAGE_SHIFT - fs->block_shift));
    return block;
}

int ext2_record_view(struct ext2 *fs, uint64_t number, struct ext2_view *view)
{
    uint32_t offset;
    int result = ext2_view(fs, record_block(fs, number, &offset), view);

    if (!result)
        view->bytes = (uint8_t *)view->bytes + offset;
    return result;
}

int ext2_record_change(struct ext2 *fs, struct journal_handle *handle,
                       uint64_t number, struct ext2_record **record)
{
    uint32_t offset;
    void *bytes;
    int result =
        journal_change(handle, record_block(fs, number, &offset), &bytes);

    if (!result)
        *record = (struct ext2_record *)((uint8_t *)bytes + offset);
    return result;
}

/* ---- Times --------------------------------------------------------------- */

/* The place of the further bits of times, or NULL: the record is too short, or
 * says itself that it does not have them. */
static struct ext2_record_extra *extra_of(const struct ext2 *fs,
                                          struct ext2_record *record)
{
    struct ext2_record_extra *extra = (struct ext2_record_extra *)(record + 1);

    return fs->inode_size > EXT2_RECORD_SIZE && extra->size >= sizeof(*extra) &&
                   extra->size <= fs->inode_size - EXT2_RECORD_SIZE
               ? extra
               : NULL;
}

/* A time later than the kernel can count becomes the latest that it can. */
static int64_t get_time(uint32_t low, uint32_t rest)
{
    int64_t seconds = (int32_t)low + ((int64_t)(rest & 3) << 32);

    if (seconds >= INT64_MAX / REALTIME_SECOND - 1)
        return INT64_MAX;
    return seconds * REALTIME_SECOND + (rest >> 2);
}

static void put_time(uint32_t *low, uint32_t *rest, const _Atomic int64_t *from)
{
    int64_t time = atomic_load_explicit(from, memory_order_relaxed);
    int64_t seconds = time / REALTIME_SECOND;
    int64_t part = time % REALTIME_SECOND;

    if (part < 0) {
        part += REALTIME_SECOND;
        seconds--;
    }
    if (rest)
        *rest = (uint32_t)part << 2 |
                ((uint32_t)((seconds - (int32_t)seconds) >> 32) & 3);
    else
        seconds = MAX(MIN(seconds, (int64_t)INT32_MAX), (int64_t)INT32_MIN);
    *low = (uint32_t)seconds;
}

/* ---- Loading and storing ------------------------------------------------- */

/* Load the size of a file or directory. */
static int load_size(struct ext2_inode *inode, const struct ext2_record *record)
{
    struct ext2 *fs = ext2_fs(&inode->inode);
    uint64_t size = record->size;

    if (inode->inode.type == INODE_DIRECTORY) {
        if (!size || size % fs->block_size ||
            size / fs->block_size > fs->blocks)
            return -EUCLEAN;
        ext2_directory_sized(inode, (uint32_t)(size / fs->block_size));
        return 0;
    }
    if (inode->mode == EXT2_MODE_FILE)
        size |= (uint64_t)record->size_high << 32;
    if (size > ext2_map_limit(fs))
        return -EUCLEAN;
    atomic_store(&inode->inode.size, size);
    atomic_store(&inode->cache.end, cache_pages_of(size));
    return 0;
}

/* Load all that inodes of any file system have, except the size. */
static void load_base(struct inode *inode, const struct ext2_record *record)
{
    const struct ext2_record_extra *extra =
        extra_of(ext2_fs(inode), (struct ext2_record *)record);

    atomic_store(&inode->links, record->links);
    atomic_store(&inode->mode, record->mode & MODE_MASK);
    atomic_store(&inode->owner, record->user | record->user_high << 16);
    atomic_store(&inode->group, record->group | record->group_high << 16);
    atomic_store(&inode->accessed,
                 get_time(record->accessed, extra ? extra->accessed_rest : 0));
    atomic_store(&inode->modified,
                 get_time(record->modified, extra ? extra->modified_rest : 0));
    atomic_store(&inode->changed,
                 get_time(record->changed, extra ? extra->changed_rest : 0));
}

int ext2_record_load(struct ext2_inode *inode, const struct ext2_record *record)
{
    struct ext2 *fs = ext2_fs(&inode->inode);
    unsigned number = (unsigned)inode->inode.number;

    if (record->flags & (EXT2_FLAG_EXTENTS | EXT2_FLAG_INLINE))
        return ext2_corrupt(fs,
                            "inode %u: a kind of map this file system "
                            "does not have",
                            number);
    if (load_size(inode, record))
        return ext2_corrupt(fs, "inode %u: wrong size", number);
    load_base(&inode->inode, record);
    inode->attributes = record->attributes;
    inode->flags = record->flags;
    inode->sectors = record->sectors;
    memcpy(inode->pointers, record->pointers, sizeof(inode->pointers));
    return 0;
}

/* The times are copied while the lock of the list of inodes with times to store
 * is held: so if several threads store them, the last stores the latest. */
void ext2_record_store_times(struct ext2_inode *inode,
                             struct ext2_record *record)
{
    struct ext2 *fs = ext2_fs(&inode->inode);
    struct ext2_record_extra *extra = extra_of(fs, record);

    spin_lock(&fs->table);
    list_remove(&inode->timed);
    put_time(&record->modified, extra ? &extra->modified_rest : NULL,
             &inode->inode.modified);
    put_time(&record->changed, extra ? &extra->changed_rest : NULL,
             &inode->inode.changed);
    spin_unlock(&fs->table);
}

void ext2_record_store(struct ext2_inode *inode, struct ext2_record *record)
{
    uint64_t size = atomic_load(&inode->inode.size);

    if (inode->inode.type == INODE_DIRECTORY)
        size = (uint64_t)inode->blocks * ext2_fs(&inode->inode)->block_size;
    record->links = (uint16_t)atomic_load(&inode->inode.links);
    record->size = (uint32_t)size;
    if (inode->mode == EXT2_MODE_FILE)
        record->size_high = (uint32_t)(size >> 32);
    record->sectors = inode->sectors;
    record->flags = inode->flags;
    memcpy(record->pointers, inode->pointers, sizeof(inode->pointers));
    /* The times of an inode without a name are never read from the disk. */
    if (record->links)
        ext2_record_store_times(inode, record);
}

/* Store the attributes that setattr alone changes. */
static void store_attributes(struct ext2_inode *inode,
                             struct ext2_record *record)
{
    struct ext2_record_extra *extra = extra_of(ext2_fs(&inode->inode), record);
    uint32_t owner = atomic_load(&inode->inode.owner);
    uint32_t group = atomic_load(&inode->inode.group);

    record->mode = inode->mode | (uint16_t)atomic_load(&inode->inode.mode);
    record->user = (uint16_t)owner;
    record->user_high = (uint16_t)(owner >> 16);
    record->group = (uint16_t)group;
    record->group_high = (uint16_t)(group >> 16);
    put_time(&record->accessed, extra ? &extra->accessed_rest : NULL,
             &inode->inode.accessed);
}

void ext2_record_format(struct ext2_inode *inode, struct ext2_record *record)
{
    struct ext2 *fs = ext2_fs(&inode->inode);
    struct ext2_record_extra *extra = (struct ext2_record_extra *)(record + 1);

    memset(record, 0, fs->inode_size);
    if (fs->extra) {
        extra->size = (uint16_t)fs->extra;
        put_time(&extra->made, &extra->made_rest, &inode->inode.changed);
    }
    store_attributes(inode, record);
    ext2_record_store(inode, record);
}

int ext2_setattr(struct inode *base, unsigned which, const struct file_stat *to)
{
    struct ext2 *fs = ext2_fs(base);
    struct journal_handle handle;
    struct ext2_record *record;
    int result = ext2_begin(fs, 1, &handle);

    if (result)
        return result;
    result = ext2_record_change(fs, &handle, base->number, &record);
    if (!result) {
        inode_setattr(base, which, to);
        store_attributes(ext2_of(base), record);
        ext2_record_store_times(ext2_of(base), record);
    }
    ext2_end(fs, &handle);
    return result;
}
