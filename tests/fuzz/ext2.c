/*
 * A damaged disk: the bytes say what is changed, and where, in a small file
 * system that mke2fs made. Whatever it is, mounting, looking at everything and
 * changing it ends, and all memory is given back.
 */
/* sources: tests/host/ext2_walk.c tests/host/ext2_host.c */
/* sources: tests/host/disk.c */
/* sources: kernel/fs/ext2_alloc.c kernel/fs/ext2_cut.c */
/* sources: kernel/fs/ext2_directory.c kernel/fs/ext2_file.c */
/* sources: kernel/fs/ext2_geometry.c kernel/fs/ext2_inode.c */
/* sources: kernel/fs/ext2_map.c kernel/fs/ext2_mount.c */
/* sources: kernel/fs/ext2_names.c kernel/fs/ext2_orphan.c */
/* sources: kernel/fs/ext2_super.c kernel/fs/vfs.c kernel/fs/namei.c */
/* sources: kernel/fs/inode.c kernel/fs/file.c kernel/fs/device.c */
/* sources: kernel/fs/journal.c kernel/fs/journal_commit.c */
/* sources: kernel/fs/journal_crc.c kernel/fs/journal_head.c */
/* sources: kernel/fs/journal_io.c kernel/fs/journal_log.c */
/* sources: kernel/fs/journal_replay.c kernel/fs/radix.c */
/* sources: kernel/fs/cache.c kernel/fs/cache_io.c kernel/dev/block.c */
/* sources: tests/host/mm_hal.c tests/host/mm_tlb.c */
/* sources: kernel/mm/page.c kernel/mm/slab.c kernel/mm/pt.c */
/* sources: kernel/mm/pt_range.c kernel/mm/pt_borrow.c kernel/mm/eager.c */
/* sources: kernel/mm/region.c kernel/mm/space.c */
/* sources: kernel/mm/fault.c kernel/mm/audit.c kernel/mm/uaccess.c */
/* sources: kernel/mm/stats.c kernel/mm/stack.c kernel/mm/report.c */
/* sources: kernel/sched/spinlock.c kernel/sched/mutex.c */
/* sources: kernel/sched/waitq.c kernel/sched/lockrank.c */
/* sources: kernel/lib/panic.c kernel/lib/printf.c kernel/lib/text.c */
/* sources: kernel/fs/cache_reclaim.c */
/* flags: -Itests/host/machine */
/* flags: -Wl,--wrap=page_free,--wrap=page_free_zeroed */
#include "fuzz.h"

#include <string.h>

#include "ext2_host.h"
#include "ext2_walk.h"

/* A change: three bytes of place, one of how, four of value. */
#define CHANGE 8

/* Blocks of metadata are few, and most of them come first. */
#define FIRST (64u << 10)

static struct disk *image;

static void change(struct disk *disk, const uint8_t *from)
{
    uint32_t place = from[0] | from[1] << 8 | (uint32_t)from[2] << 16;
    unsigned size = from[3] & 1 ? 4 : from[3] & 2 ? 2 : 1;

    place %= from[3] & 4 ? (uint32_t)disk->size - 4 : FIRST;
    memcpy(disk->bytes + place, from + 4, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct disk *disk;

    if (!image) {
        host_boot();
        image = walk_image("-t ext3 -b 1024 -J size=1");
        MUST(walk_disk(image)); /* undamaged */
        disk_free(image);
        image = walk_image("-t ext3 -b 1024 -J size=1");
    }
    disk = disk_new(image->size);
    memcpy(disk->bytes, image->bytes, image->size);
    for (walk_random = size + 1; size >= CHANGE; size -= CHANGE, data += CHANGE)
        change(disk, data);
    MUST(walk_disk(disk));
    disk_free(disk);
    return 0;
}
