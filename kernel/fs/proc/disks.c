/*
 * /proc/disks: one line of numbers a disk, and what the page cache has; and a
 * command for those who want to be sure of the disk.
 */
#include "fs/proc/disks.h"
#include "cache/cache.h"
#include "fs/proc/procfs.h"
#include "cache/writeback.h"
#include "lib/errno.h"
#include "lib/string.h"

static void show_disk(struct text *out, const struct block_device *disk)
{
    static const char *const names[BLOCK_COMMANDS] = {"reads", "writes",
                                                      "flushes"};
    text_printf(out, "%s: sectors %lu", disk->name, disk->sectors);
    for (unsigned i = 0; i < BLOCK_COMMANDS; i++)
        text_printf(out, ", %s %lu", names[i], disk->requests[i]);
    text_printf(out, ", sectors read %lu, sectors written %lu\n",
                disk->moved[BLOCK_READ], disk->moved[BLOCK_WRITE]);
}

static int show(struct text *out)
{
    for (unsigned i = 0; i < block_count(); i++)
        show_disk(out, block_at(i));
    text_printf(out, "cached: %lu\nspare: %lu\ndirty: %lu\n",
                cache_page_count(), cache_spare_count(), cache_dirty_count());
    return 0;
}

/* "sync": come back when all that was written before is safe on disk. "drop":
 * that, and give up what is kept only for speed, as when memory is short. */
static ssize_t command(const char *text, size_t length)
{
    int error;
    bool drop = strncmp(text, "drop", 4) == 0;
    if (!drop && strncmp(text, "sync", 4))
        return -EINVAL;
    error = writeback_sync();
    if (drop)
        (void)writeback_shrink();
    return error ? error : (ssize_t)length;
}

int disks_register_file(void)
{
    static const struct procfs_entry entry = {.show = show, .write = command};
    return procfs_register("disks", &entry);
}
