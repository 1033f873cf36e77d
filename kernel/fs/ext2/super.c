/*
 * Reading blocks of metadata; reporting damage, after which nothing is changed
 * any more; reading and writing the superblock without the journal.
 *
 * While a disk with a log is mounted, its superblock says that the log must be
 * replayed; while a disk without a log is mounted, that it was not cleanly
 * unmounted. These marks are written while the journal has nothing under way.
 */
#include "fs/ext2/private.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/text.h"

int ext2_view(struct ext2 *fs, uint32_t block, struct ext2_view *view)
{
    unsigned shift = HAL_PAGE_SHIFT - fs->block_shift;
    uint32_t within = block & ((1u << shift) - 1);
    int result = cache_pin(&fs->metadata, block >> shift, false, &view->page);

    if (result)
        return result == -ENXIO ? -EIO : result;
    view->bytes = (uint8_t *)page_data(view->page) + within * fs->block_size;
    return 0;
}

void ext2_unview(struct ext2_view *view)
{
    cache_unpin(view->page);
}

static void say(struct ext2 *fs, const char *format, va_list arguments,
                const char *then)
{
    char buffer[160];
    struct text text;

    text_init(&text, buffer, sizeof(buffer));
    text_vprintf(&text, format, arguments);
    kprintf("calf: %s: ext2: %s%s\n", fs->device->name, buffer, then);
}

void ext2_say(struct ext2 *fs, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say(fs, format, arguments, "");
    va_end(arguments);
}

int ext2_corrupt(struct ext2 *fs, const char *format, ...)
{
    va_list arguments;

    if (atomic_exchange(&fs->failed, true))
        return -EUCLEAN;
    va_start(arguments, format);
    say(fs, format, arguments, ": damaged, read-only from now on");
    va_end(arguments);
    return -EUCLEAN;
}

bool ext2_enter(struct ext2 *fs)
{
    atomic_fetch_add(&fs->users, 1);
    if (!atomic_load(&fs->stopped))
        return true;
    ext2_leave(fs);
    return false;
}

void ext2_leave(struct ext2 *fs)
{
    atomic_fetch_sub(&fs->users, 1);
}

static int await_journal(void *of, uint64_t blocks)
{
    struct ext2 *fs = of;
    int result;

    if (!ext2_enter(fs))
        return -EROFS;
    result = journal_await(fs->journal, (uint32_t)blocks);
    ext2_leave(fs);
    return result;
}

int ext2_begin(struct ext2 *fs, uint32_t blocks, struct journal_handle *handle)
{
    int result;

    if (ext2_is_read_only(fs) || !ext2_enter(fs))
        return -EROFS;
    result = journal_begin(fs->journal, blocks, handle);
    if (result)
        ext2_leave(fs);
    else
        hurry_begin();
    return result == -EAGAIN ? hurry_note(await_journal, fs, blocks) : result;
}

void ext2_end(struct ext2 *fs, struct journal_handle *handle)
{
    hurry_end();
    journal_end(handle);
    ext2_leave(fs);
}

int ext2_super_change(struct ext2 *fs, struct journal_handle *handle,
                      struct ext2_super **out)
{
    void *bytes;
    int result =
        journal_change(handle, EXT2_SUPER_OFFSET / fs->block_size, &bytes);

    if (!result)
        *out = (struct ext2_super *)((uint8_t *)bytes +
                                     EXT2_SUPER_OFFSET % fs->block_size);
    return result;
}

bool ext2_is_data(const struct ext2 *fs, uint32_t block)
{
    const struct ext2_group *group;

    /* The superblock, the descriptors and the blocks before them. */
    if (block <= EXT2_SUPER_OFFSET / fs->block_size + fs->table_blocks ||
        block >= fs->blocks)
        return false;
    group = &fs->groups[ext2_group_of_block(fs, block)];
    return block != group->block_bitmap && block != group->inode_bitmap &&
           block - group->inode_table >=
               fs->inodes_per_group * fs->inode_size / fs->block_size;
}

/* ---- The superblock, past the journal ------------------------------------ */

int ext2_super_read(struct ext2 *fs)
{
    struct block_request request = {.command = BLOCK_READ,
                                    .count = 1,
                                    .sector = EXT2_SUPER_OFFSET / BLOCK_SECTOR};
    struct page *page;
    int result;

    if (fs->device->sectors <
        (EXT2_SUPER_OFFSET + EXT2_SUPER_SIZE) / BLOCK_SECTOR) {
        ext2_say(fs, "the disk is too small for a file system");
        return -EINVAL;
    }
    page = page_alloc(PAGE_KERNEL);
    if (!page)
        return -ENOMEM;
    request.segments[0] = (struct block_segment){page, 0, EXT2_SUPER_SIZE};
    result = block_do(fs->device, &request);
    if (!result)
        result = ext2_geometry(fs, page_data(page));
    page_put(page);
    return result;
}

int ext2_super_view(struct ext2 *fs, struct ext2_view *view,
                    struct ext2_super **super)
{
    int result = ext2_view(fs, EXT2_SUPER_OFFSET / fs->block_size, view);

    *super = result ? NULL
                    : (struct ext2_super *)((uint8_t *)view->bytes +
                                            EXT2_SUPER_OFFSET % fs->block_size);
    return result;
}

/* Write the superblock, and wait until it is safe. */
static int write_super(struct ext2 *fs, struct ext2_view *view,
                       const struct ext2_super *super)
{
    struct block_request request = {.command = BLOCK_WRITE,
                                    .count = 1,
                                    .sector = EXT2_SUPER_OFFSET / BLOCK_SECTOR};
    size_t offset =
        (size_t)((const char *)super - (const char *)page_data(view->page));
    int result;

    request.segments[0] =
        (struct block_segment){view->page, (uint16_t)offset, EXT2_SUPER_SIZE};
    result = block_do(fs->device, &request);
    return result ? result : block_flush(fs->device);
}

int ext2_super_mark(struct ext2 *fs, bool in_use)
{
    struct ext2_view view;
    struct ext2_super *super;
    int result = ext2_super_view(fs, &view, &super);

    if (result)
        return result;
    if (fs->has_log && in_use)
        super->incompat |= EXT2_INCOMPAT_RECOVER;
    else if (fs->has_log)
        super->incompat &= ~EXT2_INCOMPAT_RECOVER;
    else if (in_use)
        super->state &= (uint16_t)~EXT2_STATE_CLEAN;
    else if (!atomic_load(&fs->failed))
        super->state |= EXT2_STATE_CLEAN;
    if (atomic_load(&fs->failed))
        super->state |= EXT2_STATE_ERRORS;
    result = write_super(fs, &view, super);
    ext2_unview(&view);
    return result;
}
