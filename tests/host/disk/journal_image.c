/*
 * Disks with a log, for tests. See journal_image.h.
 */
/* sources: tests/host/disk/disk.c kernel/fs/journal/[a-z]*.c */
/* sources: kernel/cache/cache.c kernel/cache/change.c kernel/cache/io.c */
/* sources: kernel/cache/reclaim.c */
#include "host/disk/journal_image.h"

#include <stdio.h>
#include <string.h>

#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "host/mm/hal.h"

#define JOURNAL_INODE 8
#define SUPERBLOCK    1024

static char console[4096];
static size_t console_length;

static void hear(const char *text, size_t length)
{
    if (length > sizeof console - 1 - console_length)
        console_length = 0; /* only the latest matters */
    memcpy(console + console_length, text, length);
    console_length += length;
}

const char *image_console(void)
{
    static char heard[sizeof console];
    memcpy(heard, console, console_length);
    heard[console_length] = 0;
    console_length = 0;
    return heard;
}

static void tell(void)
{
    fputs(image_console(), stderr);
}

/* ---- The image as ext3 --------------------------------------------------- */

static uint32_t le32(const uint8_t *at)
{
    return at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
}

uint8_t *image_block(const struct image *image, uint32_t block)
{
    return image->disk->bytes + (size_t)block * image->block_size;
}

void image_mark(struct image *image, bool needs_recovery)
{
    uint8_t *flags = image->disk->bytes + SUPERBLOCK + 0x60;
    *flags = needs_recovery ? *flags | 4 : *flags & ~4;
}

static void add_block(struct image *image, uint32_t block)
{
    struct journal_run *last =
        image->run_count ? &image->runs[image->run_count - 1] : NULL;
    if (!block)
        return;
    if (last && last->first + last->count == block) {
        last->count++;
        return;
    }
    if (image->run_count == IMAGE_RUNS)
        mm_fail("the log is in too many pieces");
    image->runs[image->run_count++] = (struct journal_run){block, 1};
}

static void add_tree(struct image *image, uint32_t block, int depth)
{
    if (depth == 0) {
        add_block(image, block);
        return;
    }
    for (uint32_t i = 0; block && i < image->block_size / 4; i++)
        add_tree(image, le32(image_block(image, block) + 4 * i), depth - 1);
}

/* An inode of ext4 lists runs itself, if they are few. */
static void add_extents(struct image *image, const uint8_t *header)
{
    unsigned entries = header[2] | header[3] << 8;
    for (const uint8_t *at = header + 12; entries > 0; entries--, at += 12)
        for (uint32_t i = 0; i < (uint32_t)(at[4] | at[5] << 8); i++)
            add_block(image, le32(at + 8) + i);
}

static void find_log(struct image *image)
{
    const uint8_t *super = image->disk->bytes + SUPERBLOCK;
    uint32_t inode_size = super[0x58] | super[0x59] << 8;
    uint32_t groups = le32(super + 0x14) + 1;
    uint32_t table = le32(image_block(image, groups) + 8);
    const uint8_t *inode =
        image_block(image, table) + (size_t)(JOURNAL_INODE - 1) * inode_size;
    if (le32(inode + 0x20) & 0x80000) {
        add_extents(image, inode + 0x28);
        return;
    }
    for (int i = 0; i < 15; i++)
        add_tree(image, le32(inode + 0x28 + 4 * i), i < 12 ? 0 : i - 11);
}

/* ---- A file system as the journal sees it -------------------------------- */

static int map(struct cache *cache, uint64_t index,
               uint64_t sectors[CACHE_PIECES])
{
    uint64_t per_page = HAL_PAGE_SIZE / cache->piece_size;
    for (uint64_t i = 0; i < per_page; i++) {
        uint64_t sector =
            (index * per_page + i) * (cache->piece_size / BLOCK_SECTOR);
        sectors[i] = sector < cache->device->sectors ? sector : CACHE_HOLE;
    }
    return 0;
}

static const struct cache_ops metadata_ops = {.map = map};

static int write_contents(struct journal_owner *owner)
{
    struct image *image = container_of(owner, struct image, owner);
    image->contents_written++;
    if (image->while_writing)
        image->while_writing(image);
    return image->contents_error;
}

static void died(struct journal_owner *owner, int error)
{
    (void)error;
    container_of(owner, struct image, owner)->deaths++;
}

void image_use(struct image *image, struct disk *disk)
{
    memset(image, 0, sizeof(*image));
    image->disk = disk;
    image->block_size = 1024u << le32(disk->bytes + SUPERBLOCK + 0x18);
    image->blocks = disk->size / image->block_size;
    image->free = image->blocks - image->blocks / 8;
    image->owner =
        (struct journal_owner){.write_contents = write_contents, .died = died};
    kprintf_set_sink(hear);
    mm_set_epitaph(tell);
    if (disk->bytes[SUPERBLOCK + 0x5c] & 4)
        find_log(image);
}

void image_make(struct image *image, const char *options, uint64_t size)
{
    image_use(image, disk_format(options, size));
}

int image_open(struct image *image, uint64_t *replayed)
{
    uint64_t ignored;
    cache_init(&image->metadata, &metadata_ops, &image->disk->device,
               image->block_size,
               align_up(image->disk->size, HAL_PAGE_SIZE) / HAL_PAGE_SIZE);
    struct journal_place place = {.metadata = &image->metadata,
                                  .block_size = image->block_size,
                                  .runs = image->runs,
                                  .run_count = image->run_count,
                                  .needs_recovery = !image->unneeded};
    return journal_open(&place, &image->owner, false, &image->journal,
                        replayed ? replayed : &ignored);
}

int image_close(struct image *image)
{
    int error = journal_close(image->journal);
    cache_drop(&image->metadata, 0, true);
    return error;
}

void image_crash(struct image *image)
{
    image->disk->dead = true;
    (void)image_close(image);
    image->disk->dead = false;
}

void image_free(struct image *image)
{
    disk_free(image->disk);
}

uint8_t *image_log(const struct image *image, uint32_t index)
{
    const struct journal_run *run = image->runs;
    for (; index >= run->count; run++)
        index -= run->count;
    return image_block(image, run->first + index);
}

void image_fill(const struct image *image, void *bytes, uint32_t value)
{
    for (uint32_t i = 0; i < image->block_size; i += sizeof value)
        memcpy((uint8_t *)bytes + i, &value, sizeof value);
}

bool image_is(const struct image *image, const void *bytes, uint32_t value)
{
    for (uint32_t i = 0; i < image->block_size; i += sizeof value)
        if (memcmp((const uint8_t *)bytes + i, &value, sizeof value))
            return false;
    return true;
}

int image_begin(struct journal *journal, uint32_t blocks,
                struct journal_handle *handle)
{
    int error;
    while ((error = journal_begin(journal, blocks, handle)) == -EAGAIN &&
           !(error = journal_await(journal, blocks)))
        ;
    return error;
}

int image_write(struct image *image, uint32_t block, uint32_t value)
{
    struct journal_handle handle;
    void *bytes;
    int error = image_begin(image->journal, 1, &handle);
    if (error)
        return error;
    error = journal_change(&handle, block, &bytes);
    if (!error)
        image_fill(image, bytes, value);
    journal_end(&handle);
    return error;
}
