/*
 * Contents of files in memory.
 *
 * The array of frames has a spinlock of its own, since a page fault asks for a
 * frame while it has an address space locked, where the inode's mutex may not
 * be taken. Only who has the mutex takes frames out; so with it, a frame found
 * in the array stays, without a reference that an audit would have to know of.
 * Everything past the end of the file in its last frame is zero: a mapping
 * shows it, and a later extension must find it so.
 */
#include "fs/ram/private.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/reserve.h"

/* Sizes stay far from where offsets could wrap. */
#define SIZE_LIMIT (UINT64_C(1) << 40)

/* Frames given up under one holding of the spinlock. */
#define DROP_BATCH 16

/* A frame for contents, counted against the file system's limit; NULL. */
static struct page *take_frame(struct ramfs *fs)
{
    struct page *page = NULL;
    if (atomic_fetch_add(&fs->pages, 1) < fs->page_limit)
        page = reserve_alloc(PAGE_CACHE, true);
    if (!page)
        atomic_fetch_sub(&fs->pages, 1);
    return page;
}

/* The file gives `page` up. Whoever has it mapped keeps it, as its own: the
 * change of kind and of count are one step for an audit, as it finds no hart
 * holding a spinlock. */
static void forget_frame(struct ramfs *fs, struct page *page)
{
    if (page_count(page) > 1)
        page_become(page, PAGE_ANONYMOUS);
    reserve_free(page);
    atomic_fetch_sub(&fs->pages, 1);
}

static struct page *find_frame(struct ramfs_inode *file, uint64_t index)
{
    spin_lock(&file->pages_lock);
    struct page *page = radix_get(&file->pages, index);
    spin_unlock(&file->pages_lock);
    return page;
}

/* Put `*page` at `index`, unless another was put there first: then that is
 * the one in *page. The array is locked. */
static int place_frame(struct ramfs_inode *file, uint64_t index,
                       struct page **page)
{
    struct page *found = radix_get(&file->pages, index);
    if (!found)
        return radix_set(&file->pages, index, *page);
    forget_frame(ramfs_super(&file->inode), *page);
    *page = found;
    return 0;
}

/* A process has `*page` mapped: the file goes on with a copy, and the process
 * keeps what it started with. */
static int part_from_mappings(struct ramfs_inode *file, uint64_t index,
                              struct page **page)
{
    struct ramfs *fs = ramfs_super(&file->inode);
    struct page *copy = take_frame(fs);
    if (!copy)
        return -ENOSPC;
    hal_copy_page(page_data(copy), page_data(*page));
    spin_lock(&file->pages_lock);
    radix_set(&file->pages, index, copy); /* in use: allocates nothing */
    forget_frame(fs, *page);
    spin_unlock(&file->pages_lock);
    *page = copy;
    return 0;
}

/* The frame at `index`, to be written to: the file's alone, and made if the
 * file has none (`make`), else NULL. The inode is locked; object_write_end
 * follows, also after an error. */
static int frame_for_write(struct ramfs_inode *file, uint64_t index, bool make,
                           struct page **out)
{
    struct ramfs *fs = ramfs_super(&file->inode);
    int result = 0;
    object_write_begin(&file->inode.object, index);
    *out = find_frame(file, index);
    if (!*out && make) {
        *out = take_frame(fs);
        if (!*out)
            return -ENOSPC;
        spin_lock(&file->pages_lock);
        result = place_frame(file, index, out); /* or a fault has been first */
        if (result)
            forget_frame(fs, *out);
        spin_unlock(&file->pages_lock);
    }
    return *out && !result && object_has_mappings(*out)
               ? part_from_mappings(file, index, out)
               : result;
}

/* Bytes of contents in the page that `offset` lies in, from there on. */
static size_t rest_of_page(uint64_t offset)
{
    return HAL_PAGE_SIZE - offset % HAL_PAGE_SIZE;
}

static int read_piece(struct ramfs_inode *file, struct cursor *cursor,
                      uint64_t offset, size_t length)
{
    struct page *page = find_frame(file, offset / HAL_PAGE_SIZE);
    if (!page)
        return cursor_put_zeros(cursor, length);
    return cursor_put(
        cursor, (const char *)page_data(page) + offset % HAL_PAGE_SIZE, length);
}

ssize_t ramfs_read(struct inode *inode, struct cursor *cursor, uint64_t offset)
{
    uint64_t size = atomic_load(&inode->size);
    uint64_t end = size;
    uint64_t at = offset;
    int result = 0;
    if (offset >= size)
        return 0;
    if (cursor->left < size - offset)
        end = offset + cursor->left;
    while (at < end && !result) {
        size_t length = MIN(rest_of_page(at), (size_t)(end - at));
        result = read_piece(ramfs_of(inode), cursor, at, length);
        if (!result)
            at += length;
    }
    return at > offset ? (ssize_t)(at - offset) : result;
}

/* Clear what lies between the end of the file and `end`, in one page. */
static void clear_past_size(struct inode *inode, struct page *page,
                            uint64_t end)
{
    uint64_t page_start = align_down(end - 1, HAL_PAGE_SIZE);
    uint64_t from = MAX(atomic_load(&inode->size), page_start);
    if (from < end)
        memset((char *)page_data(page) + (from - page_start), 0, end - from);
}

static int write_piece(struct inode *inode, struct cursor *cursor,
                       uint64_t offset, size_t length)
{
    struct page *page;
    int result =
        frame_for_write(ramfs_of(inode), offset / HAL_PAGE_SIZE, true, &page);
    if (!result) {
        result = cursor_take(
            cursor, (char *)page_data(page) + offset % HAL_PAGE_SIZE, length);
        if (result)
            clear_past_size(inode, page, offset + length);
        else if (offset + length > atomic_load(&inode->size))
            atomic_store(&inode->size, offset + length);
    }
    object_write_end(&inode->object);
    return result;
}

ssize_t ramfs_write(struct inode *inode, struct cursor *cursor, uint64_t offset)
{
    uint64_t at = offset;
    int result = 0;
    while (cursor->left && !result) {
        size_t length = MIN(rest_of_page(at), cursor->left);
        if (at > SIZE_LIMIT - length)
            result = -EFBIG;
        else
            result = write_piece(inode, cursor, at, length);
        if (!result)
            at += length;
    }
    if (at > offset)
        inode_modified(inode);
    return at > offset ? (ssize_t)(at - offset) : result;
}

/* Give up the frames from `first` on, a few at a time, so that interrupts are
 * never off for long. */
static void drop_frames(struct ramfs_inode *file, uint64_t first)
{
    struct ramfs *fs = ramfs_super(&file->inode);
    struct page *page;
    unsigned dropped;
    do {
        spin_lock(&file->pages_lock);
        for (dropped = 0; dropped < DROP_BATCH; dropped++) {
            page = radix_next(&file->pages, &first);
            if (!page)
                break;
            (void)radix_set(&file->pages, first, NULL);
            forget_frame(fs, page);
        }
        spin_unlock(&file->pages_lock);
    } while (dropped == DROP_BATCH);
}

/* Set the size; `last` is the frame that the file then ends in the middle of,
 * or NULL. */
static void set_size(struct ramfs_inode *file, uint64_t size, struct page *last)
{
    uint64_t old = atomic_load(&file->inode.size);
    struct radix emptied;
    spin_lock(&file->pages_lock);
    atomic_store(&file->inode.size, size);
    spin_unlock(&file->pages_lock);
    inode_modified(&file->inode);
    if (size >= old)
        return;
    drop_frames(file, align_up(size, HAL_PAGE_SIZE) / HAL_PAGE_SIZE);
    if (last) {
        clear_past_size(&file->inode, last, align_up(size, HAL_PAGE_SIZE));
    } else if (size == 0) {
        spin_lock(&file->pages_lock);
        emptied = file->pages;
        radix_init(&file->pages);
        spin_unlock(&file->pages_lock);
        radix_clear(&emptied);
    }
}

int ramfs_truncate(struct inode *inode, uint64_t size)
{
    struct ramfs_inode *file = ramfs_of(inode);
    struct page *last = NULL;
    int result = 0;
    if (size > SIZE_LIMIT)
        return -EFBIG;
    if (size < atomic_load(&inode->size) && size % HAL_PAGE_SIZE)
        result = frame_for_write(file, size / HAL_PAGE_SIZE, false, &last);
    if (!result)
        set_size(file, size, last);
    object_write_end(&inode->object);
    return result;
}

void ramfs_data_free(struct ramfs_inode *file)
{
    drop_frames(file, 0);
    radix_clear(&file->pages);
}

/* A hole that is mapped gets a frame: mappings know of no holes. The size is
 * looked at again with the frame at hand, as a truncation may have come. */
static int fill_hole(struct ramfs_inode *file, uint64_t index,
                     struct page **out)
{
    struct ramfs *fs = ramfs_super(&file->inode);
    struct page *page = take_frame(fs);
    int result;
    if (!page)
        return -ENOMEM;
    spin_lock(&file->pages_lock);
    if (index >=
        align_up(atomic_load(&file->inode.size), HAL_PAGE_SIZE) / HAL_PAGE_SIZE)
        result = -ENXIO;
    else
        result = place_frame(file, index, &page);
    if (result)
        forget_frame(fs, page);
    else
        page_get(page);
    spin_unlock(&file->pages_lock);
    *out = page;
    return result;
}

static int object_page(struct object *object, uint64_t index, struct page **out)
{
    struct inode *inode = container_of(object, struct inode, object);
    struct ramfs_inode *file = ramfs_of(inode);
    uint64_t end = align_up(atomic_load(&inode->size), HAL_PAGE_SIZE);
    if (index >= end / HAL_PAGE_SIZE)
        return -ENXIO;
    spin_lock(&file->pages_lock);
    *out = radix_get(&file->pages, index);
    if (*out)
        page_get(*out);
    spin_unlock(&file->pages_lock);
    return *out ? 0 : fill_hole(file, index, out);
}

static void object_name(struct object *object, char *buffer, size_t size)
{
    struct inode *inode = container_of(object, struct inode, object);
    ksnprintf(buffer, size, "%s", ramfs_of(inode)->label);
}

static const struct object_ops object_ops = {
    .page = object_page,
    .get = inode_object_get,
    .put = inode_object_put,
    .name = object_name,
};

void ramfs_data_init(struct ramfs_inode *file)
{
    spin_init(&file->pages_lock, LOCK_INODE_STATE);
    radix_init(&file->pages);
    file->inode.object.ops = &object_ops;
}
