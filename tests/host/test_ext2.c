/*
 * ext2 on disks that mke2fs made: what other tools wrote is read, what Calf
 * wrote is read by other tools and found right by e2fsck, at every size of
 * block and with and without a log.
 */
/* sources: tests/host/ext2_host.c tests/host/disk.c */
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
/* flags: -Itests/host/machine */
/* flags: -Wl,--wrap=page_free,--wrap=page_free_zeroed */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ext2_host.h"
#include "fs/file.h"
#include "lib/errno.h"
#include "mm_hal.h"

#define MEBI (1ul << 20)

/* What a disk may be made like. */
static const char *const kinds[] = {
    "-t ext2 -b 1024", "-t ext2 -b 4096", "-t ext2 -b 2048 -I 128",
    "-t ext3 -b 1024", "-t ext3 -b 4096",
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void mount(struct disk *disk)
{
    assert_int_equal(host_mount(disk, false), 0);
}

/* Unmount, and have e2fsck see it. */
static void unmount(struct disk *disk)
{
    assert_int_equal(host_unmount(), 0);
    assert_int_equal(mm_audit(), 0);
    assert_true(disk_is_clean(disk));
}

/* Whether a file holds the stream `seed` from byte 0 to `size`. */
static void assert_contents(const char *path, uint64_t seed, size_t size)
{
    uint8_t *bytes = malloc(size + 1);

    assert_int_equal(host_stat(path).size, size);
    assert_int_equal(host_get(path, 0, bytes, size + 1), (ssize_t)size);
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != host_byte(seed, i))
            fail_msg("%s: wrong byte at %zu", path, i);
    free(bytes);
}

static void put_stream(const char *path, uint64_t seed, size_t size)
{
    uint8_t *bytes = malloc(size + 1);

    host_fill(bytes, seed, 0, size);
    assert_int_equal(host_put(path, 0, bytes, size), (ssize_t)size);
    free(bytes);
}

static void test_write_and_read(void **state)
{
    (void)state;
    for (unsigned i = 0; i < KINDS; i++) {
        struct disk *disk = disk_format(kinds[i], 8 * MEBI);

        mount(disk);
        assert_int_equal(vfs_mkdir(&host_at, "/d"), 0);
        put_stream("/d/small", 1, 100);
        put_stream("/d/big", 2, 700000);
        assert_contents("/d/small", 1, 100);
        assert_contents("/d/big", 2, 700000);
        unmount(disk);
        mount(disk);
        assert_contents("/d/small", 1, 100);
        assert_contents("/d/big", 2, 700000);
        assert_int_equal(vfs_unlink(&host_at, "/d/big"), 0);
        assert_int_equal(vfs_unlink(&host_at, "/d/small"), 0);
        assert_int_equal(vfs_rmdir(&host_at, "/d"), 0);
        unmount(disk);
        disk_free(disk);
    }
}

static int boot(void **state)
{
    (void)state;
    host_boot();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_and_read),
    };

    return cmocka_run_group_tests(tests, boot, NULL);
}
