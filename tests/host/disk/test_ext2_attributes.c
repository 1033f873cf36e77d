/*
 * Owners, permissions and times on ext2: what debugfs reads of them, what comes
 * back after a mount, in records of 128 and of 256 bytes; when times change,
 * and when that reaches the disk; records that say odd things of themselves.
 */
/* sources: tests/host/disk/ext2_check.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/disk/ext2_check.h"
#include "fs/ext2/private.h"
#include "lib/errno.h"
#include "sched/realtime.h"

#define MEBI   (1ul << 20)
#define SECOND REALTIME_SECOND

static const struct {
    const char *options;
    bool is_short; /* no room for more than whole seconds */
} kinds[] = {
    {"-t ext2 -b 1024 -I 128", true},   {"-t ext3 -b 4096 -I 128", true},
    {"-t ext2 -b 1024 -I 256", false},  {"-t ext3 -b 4096 -I 256", false},
    {"-t ext3 -b 2048 -I 1024", false}, {"-r 0", true},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static int set(const char *path, unsigned which, struct file_stat to)
{
    return vfs_setattr(&host_at, NULL, path, true, which, &to);
}

static int64_t cut(unsigned kind, int64_t time)
{
    return kinds[kind].is_short ? time - time % SECOND : time;
}

/* What debugfs says of a path has this text. */
static void assert_told(struct disk *disk, const char *path, const char *text)
{
    char command[100], output[3000];

    sprintf(command, "TZ=UTC debugfs -R 'stat %s' %% 2>&1", path);
    disk_ask(disk, command, output, sizeof(output));
    if (!strstr(output, text))
        fail_msg("%s: no \"%s\" in: %s", path, text, output);
}

static void assert_same_stat(struct file_stat a, struct file_stat b)
{
    a.device = b.device;
    assert_memory_equal(&a, &b, sizeof(a));
}

/* ---- What is kept -------------------------------------------------------- */

static const struct file_stat wanted = {
    .mode = 06751,
    .owner = 70001,
    .group = 2000000000,
    .accessed = 1000000000 * SECOND + 1,
    .modified = 2000000000 * SECOND + 999999999,
};

static void test_what_is_set_is_kept(void **state)
{
    static const char *const paths[] = {"/d", "/d/f", "/null"};

    (void)state;
    for (unsigned i = 0; i < KINDS; i++) {
        struct disk *disk = disk_format(kinds[i].options, 8 * MEBI);
        struct file_stat before[3];

        realtime_start = 1700000000 * SECOND + 123456789;
        check_mount(disk);
        assert_int_equal(vfs_mkdir(&host_at, NULL, "/d"), 0);
        assert_int_equal(host_put("/d/f", 0, "x", 1), 1);
        assert_int_equal(vfs_mknod(&host_at, NULL, "/null", 2, 0), 0);
        for (unsigned j = 0; j < 3; j++) {
            assert_int_equal(set(paths[j], SET_ALL, wanted), 0);
            before[j] = host_stat(paths[j]);
            assert_int_equal(before[j].mode, wanted.mode);
            assert_int_equal(before[j].owner, wanted.owner);
            assert_int_equal(before[j].group, wanted.group);
            assert_int_equal(before[j].accessed, cut(i, wanted.accessed));
            assert_int_equal(before[j].modified, cut(i, wanted.modified));
        }
        check_unmount(disk);
        for (unsigned j = 0; j < 3; j++) {
            assert_told(disk, paths[j], "Mode:  06751");
            assert_told(disk, paths[j], "User: 70001");
            assert_told(disk, paths[j], "Group: 2000000000");
            assert_told(disk, paths[j], "atime: 0x3b9aca00");
            assert_told(disk, paths[j], "mtime: 0x77359400");
            assert_told(disk, paths[j], "ctime: 0x6553f1");
        }
        if (!kinds[i].is_short) {
            assert_told(disk, "/d/f", "atime: 0x3b9aca00:00000004");
            assert_told(disk, "/d/f", "mtime: 0x77359400:ee6b27fc");
            assert_told(disk, "/d/f", "crtime: 0x6553f1");
        }
        check_mount(disk);
        for (unsigned j = 0; j < 3; j++)
            assert_same_stat(host_stat(paths[j]), before[j]);
        check_unmount(disk);
        disk_free(disk);
    }
}

static void test_new_files(void **state)
{
    struct disk *disk = disk_format("-t ext3", 8 * MEBI);
    struct file_stat stat;

    (void)state;
    realtime_start = 1700000000 * SECOND;
    check_mount(disk);
    assert_int_equal(vfs_mkdir(&host_at, NULL, "/d"), 0);
    assert_int_equal(host_touch("/f"), 0);
    stat = host_stat("/f");
    assert_int_equal(stat.mode, 0644);
    assert_int_equal(stat.owner, 0);
    assert_int_equal(stat.group, 0);
    assert_true(stat.accessed >= realtime_start);
    assert_int_equal(stat.accessed, stat.modified);
    assert_true(stat.changed >= stat.modified);
    assert_int_equal(host_stat("/d").mode, 0755);
    check_unmount(disk);
    assert_told(disk, "/f", "Mode:  0644");
    assert_told(disk, "/d", "Mode:  0755");
    disk_free(disk);
}

/* ---- Years --------------------------------------------------------------- */

/* A time that is set, and what of it a record keeps: short, long; and how
 * debugfs reads the long one. */
static const struct {
    int64_t set, is_short, is_long; /* in half seconds */
    const char *told;
} years[] = {
    {0, 0, 0, "Thu Jan  1 00:00:00 1970"},
    {-3, -4, -3, NULL}, /* debugfs shows no part of a second before 1970 */
    {2l * INT32_MIN, 2l * INT32_MIN, 2l * INT32_MIN,
     "Fri Dec 13 20:45:52 1901"},
    {-2l * 5000000000, 2l * INT32_MIN, 2l * INT32_MIN,
     "Fri Dec 13 20:45:52 1901"},
    {2l * INT32_MAX + 1, 2l * INT32_MAX, 2l * INT32_MAX + 1,
     "Tue Jan 19 03:14:07 2038"},
    {2l * INT32_MAX + 2, 2l * INT32_MAX, 2l * INT32_MAX + 2,
     "Tue Jan 19 03:14:08 2038"},
    {2l * 4102444800 + 1, 2l * INT32_MAX, 2l * 4102444800 + 1,
     "Fri Jan  1 00:00:00 2100"},
    {2l * 9000000000, 2l * INT32_MAX, 2l * 9000000000,
     "Wed Mar 14 16:00:00 2255"},
};

static void test_years(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        struct disk *disk = disk_format(kinds[kind].options, 8 * MEBI);

        for (unsigned i = 0; i < sizeof(years) / sizeof(years[0]); i++) {
            int64_t half = SECOND / 2;
            struct file_stat to = {.modified = years[i].set * half};
            int64_t kept = half * (kinds[kind].is_short ? years[i].is_short
                                                        : years[i].is_long);

            check_mount(disk);
            assert_int_equal(host_touch("/f"), 0);
            assert_int_equal(set("/f", SET_MODIFIED, to), 0);
            assert_int_equal(host_stat("/f").modified, kept);
            check_unmount(disk);
            if (!kinds[kind].is_short && years[i].told)
                assert_told(disk, "/f", years[i].told);
            check_mount(disk);
            assert_int_equal(host_stat("/f").modified, kept);
            check_unmount(disk);
        }
        disk_free(disk);
    }
}

/* A time beyond what 64 bits of nanoseconds reach, from elsewhere. */
static void test_a_time_too_late(void **state)
{
    struct disk *disk = disk_format("-t ext2 -b 1024", 8 * MEBI);

    (void)state;
    check_mount(disk);
    assert_int_equal(host_touch("/f"), 0);
    check_unmount(disk);
    assert_int_equal(disk_tool(disk,
                               "debugfs -w -R 'sif /f mtime 0x7fffffff' % && "
                               "debugfs -w -R 'sif /f mtime_extra 0xffffffff' "
                               "%",
                               NULL, 0),
                     0);
    check_mount(disk);
    assert_int_equal(host_stat("/f").modified, INT64_MAX);
    assert_int_equal(set("/f", SET_MODE, (struct file_stat){.mode = 0600}), 0);
    check_unmount(disk);
    disk_free(disk);
}

/* ---- When times change --------------------------------------------------- */

#define MODIFIED 1u
#define CHANGED  2u

static struct file_stat last, last_parent;

static void look(void)
{
    last = host_stat("/d/f");
    last_parent = host_stat("/d");
    realtime_start += 10 * SECOND;
}

static void assert_changed(const struct file_stat *now,
                           const struct file_stat *old, unsigned what)
{
    assert_int_equal(now->accessed, old->accessed);
    assert_int_equal(now->modified > old->modified, !!(what & MODIFIED));
    assert_int_equal(now->changed > old->changed, !!(what & CHANGED));
    assert_true(now->changed <= realtime());
}

/* Since the last look: times of the file, and of its directory. */
static void expect(unsigned file, unsigned parent)
{
    struct file_stat now = host_stat("/d/f"), now_parent = host_stat("/d");

    assert_changed(&now, &last, file);
    assert_changed(&now_parent, &last_parent, parent);
    look();
}

static void test_when_times_change(void **state)
{
    const unsigned both = MODIFIED | CHANGED;
    char byte;

    (void)state;
    for (unsigned i = 0; i < KINDS; i++) {
        struct disk *disk = disk_format(kinds[i].options, 8 * MEBI);

        realtime_start = 1700000000 * SECOND;
        check_mount(disk);
        assert_int_equal(vfs_mkdir(&host_at, NULL, "/d"), 0);
        assert_int_equal(host_put("/d/f", 0, "hello", 5), 5);
        look();
        assert_int_equal(host_get("/d/f", 0, &byte, 1), 1);
        free(host_list("/d"));
        expect(0, 0);
        assert_int_equal(host_put("/d/f", 5, "!", 1), 1); /* longer */
        expect(both, 0);
        assert_int_equal(host_put("/d/f", 0, "H", 1), 1); /* over it */
        expect(both, 0);
        assert_int_equal(host_put("/d/f", 0, "", 0), 0);
        expect(0, 0);
        assert_int_equal(host_truncate("/d/f", 3), 0);
        expect(both, 0);
        assert_int_equal(host_truncate("/d/f", 9000), 0);
        expect(both, 0);
        assert_int_equal(host_truncate("/d/f", 0), 0);
        expect(both, 0);
        assert_int_equal(host_truncate("/d/f", 0), 0); /* as `: >f` does */
        expect(both, 0);
        assert_int_equal(set("/d/f", SET_MODE, (struct file_stat){0}), 0);
        expect(CHANGED, 0);
        assert_int_equal(vfs_link(&host_at, NULL, "/d/f", NULL, "/g"), 0);
        expect(CHANGED, 0);
        assert_int_equal(vfs_unlink(&host_at, NULL, "/g"), 0);
        expect(CHANGED, 0);
        assert_int_equal(host_touch("/d/h"), 0);
        expect(0, both);
        assert_int_equal(vfs_unlink(&host_at, NULL, "/d/h"), 0);
        expect(0, both);
        assert_int_equal(vfs_unlink(&host_at, NULL, "/d/nothing"), -ENOENT);
        assert_int_equal(host_status("/d/h"), -ENOENT);
        expect(0, 0);
        check_unmount(disk);
        check_mount(disk);
        assert_same_stat(host_stat("/d/f"), last);
        assert_same_stat(host_stat("/d"), last_parent);
        check_unmount(disk);
        disk_free(disk);
    }
}

/* ---- When they reach the disk -------------------------------------------- */

static bool is_dirty(void)
{
    return host_super->writeback->ops->is_dirty(host_super->writeback);
}

static struct ext2 *mounted(void)
{
    return container_of(host_super, struct ext2, superblock);
}

/* What is written over takes no handle; its time goes with the next sync. */
static void test_a_time_without_a_handle(void **state)
{
    struct disk *disk = disk_format("-t ext3 -b 1024", 8 * MEBI);
    char text[40], byte;

    (void)state;
    realtime_start = 1700000000 * SECOND;
    check_mount(disk);
    /* The handle that makes it longer stores the time as well. */
    assert_int_equal(host_put("/f", 0, "hello", 5), 5);
    assert_true(list_is_empty(&mounted()->timed));
    assert_int_equal(host_sync(), 0);
    assert_int_equal(host_get("/f", 0, &byte, 1), 1);
    assert_false(is_dirty());
    realtime_start = 1800000000 * SECOND;
    assert_int_equal(host_put("/f", 0, "H", 1), 1);
    assert_false(journal_is_dirty(mounted()->journal));
    assert_true(is_dirty());
    assert_int_equal(host_sync(), 0);
    assert_false(is_dirty());
    sprintf(text, "mtime: 0x%08x", 1800000000);
    text[14] = '\0'; /* hal_time has gone on by some seconds */
    assert_told(disk, "/f", text);
    check_unmount(disk);
    disk_free(disk);
}

/* Contents that are on the disk before their time is: the inode stays until
 * that has been stored, too. */
static void test_a_time_is_not_given_up(void **state)
{
    struct disk *disk = disk_format("-t ext3 -b 1024", 8 * MEBI);
    struct file_stat before;

    (void)state;
    check_mount(disk);
    assert_int_equal(host_put("/f", 0, "hello", 5), 5);
    assert_int_equal(host_sync(), 0);
    realtime_start += 100 * SECOND;
    assert_int_equal(host_put("/f", 0, "H", 1), 1);
    before = host_stat("/f");
    assert_int_equal(ext2_write_contents(mounted()), 0);
    assert_true(is_dirty());
    host_super->writeback->ops->shrink(host_super->writeback);
    assert_same_stat(host_stat("/f"), before);
    assert_int_equal(host_sync(), 0);
    host_super->writeback->ops->shrink(host_super->writeback);
    assert_same_stat(host_stat("/f"), before);
    /* One whose file goes meanwhile is not stored, nor kept. */
    assert_int_equal(host_put("/f", 0, "h", 1), 1);
    assert_int_equal(vfs_unlink(&host_at, NULL, "/f"), 0);
    check_unmount(disk);
    disk_free(disk);
}

/* The times of many files, one of which cannot be stored at first. */
static void test_times_without_memory(void **state)
{
    struct disk *disk = disk_format("-t ext2 -b 1024", 8 * MEBI);
    int64_t before[20];
    char path[10];
    int result = -1;

    (void)state;
    check_mount(disk);
    for (unsigned i = 0; i < 20; i++) {
        sprintf(path, "/f%u", i);
        assert_int_equal(host_put(path, 0, "hello", 5), 5);
    }
    assert_int_equal(host_sync(), 0);
    host_super->writeback->ops->shrink(host_super->writeback);
    for (unsigned i = 0; i < 20; i++) {
        sprintf(path, "/f%u", i);
        assert_int_equal(host_put(path, 0, "H", 1), 1);
        before[i] = host_stat(path).modified;
    }
    for (uint32_t nth = 1; result; nth++) {
        cache_drop(&mounted()->metadata, 0, true);
        page_fail_after(nth);
        result = host_sync();
        page_fail_after(0);
        assert_true(result == 0 || result == -ENOMEM);
    }
    check_unmount(disk);
    check_mount(disk);
    for (unsigned i = 0; i < 20; i++) {
        sprintf(path, "/f%u", i);
        assert_int_equal(host_stat(path).modified, before[i]);
    }
    check_unmount(disk);
    disk_free(disk);
}

static void test_a_disk_that_cannot_be_written(void **state)
{
    struct disk *disk = disk_format("-t ext2", 8 * MEBI);

    (void)state;
    check_mount(disk);
    assert_int_equal(host_touch("/f"), 0);
    assert_int_equal(host_put("/g", 0, "g", 1), 1);
    check_unmount(disk);
    assert_int_equal(host_mount(disk, true), 0);
    assert_int_equal(set("/f", SET_MODE, (struct file_stat){0}), -EROFS);
    assert_int_equal(host_stat("/f").mode, 0644);
    last = host_stat("/f");
    assert_int_equal(host_truncate("/f", 0), 0);
    assert_same_stat(host_stat("/f"), last);
    assert_false(is_dirty());
    assert_int_equal(host_unmount(), 0);
    /* It dies when a time is to be stored: that is told, and all is freed. */
    check_mount(disk);
    assert_int_equal(host_put("/g", 0, "G", 1), 1);
    disk->dead = true;
    assert_int_not_equal(host_sync(), 0);
    assert_int_not_equal(host_sync(), 0);
    assert_true(host_is_read_only());
    assert_int_equal(host_put("/g", 0, "g", 1), -EROFS);
    assert_int_equal(set("/g", SET_MODE, (struct file_stat){0}), -EROFS);
    host_unmount();
    assert_int_equal(page_free_count(), host_pages);
    disk_free(disk);
}

/* ---- Damage -------------------------------------------------------------- */

/* What a record says of its size behind the first 128 bytes: nothing there is
 * touched unless all of it can be. */
static void test_sizes_of_records(void **state)
{
    static const struct {
        unsigned size;
        bool is_long;
    } sizes[] = {{0, false}, {4, false},  {20, false},  {24, true},
                 {32, true}, {128, true}, {132, false}, {0xffff, false}};
    const struct file_stat to = {.modified = 5 * SECOND + 7};
    const struct file_stat late = {.modified = 5000000000 * SECOND};

    (void)state;
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct disk *disk = disk_format("-t ext2 -b 1024 -I 256", 8 * MEBI);
        char command[100];

        check_mount(disk);
        assert_int_equal(host_touch("/f"), 0);
        check_unmount(disk);
        sprintf(command,
                "debugfs -w -R 'sif /f mtime_extra 0' %% && "
                "debugfs -w -R 'sif /f extra_isize %u' %%",
                sizes[i].size);
        assert_int_equal(disk_tool(disk, command, NULL, 0), 0);
        check_mount(disk);
        assert_int_equal(set("/f", SET_MODIFIED, to), 0);
        assert_int_equal(host_unmount(), 0);
        check_mount(disk);
        assert_int_equal(host_stat("/f").modified,
                         5 * SECOND + (sizes[i].is_long ? 7 : 0));
        assert_int_equal(set("/f", SET_MODIFIED, late), 0);
        assert_int_equal(host_unmount(), 0);
        check_mount(disk);
        assert_int_equal(host_stat("/f").modified,
                         sizes[i].is_long ? late.modified : INT32_MAX * SECOND);
        assert_int_equal(host_unmount(), 0);
        disk_free(disk);
    }
}

static void test_what_is_refused(void **state)
{
    struct disk *disk = disk_format("-t ext2", 8 * MEBI);

    (void)state;
    check_mount(disk);
    assert_int_equal(set("/g", SET_ALL, wanted), -ENOENT);
    assert_int_equal(set("/", 32, wanted), -EINVAL);
    assert_int_equal(set("/", SET_MODE, (struct file_stat){.mode = 010000}),
                     -EINVAL);
    assert_int_equal(set("/", SET_OWNER, (struct file_stat){.owner = 1l << 32}),
                     -EINVAL);
    assert_int_equal(set("/", SET_GROUP, (struct file_stat){.group = 1l << 32}),
                     -EINVAL);
    check_unmount(disk);
    disk_free(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_set_is_kept),
        cmocka_unit_test(test_new_files),
        cmocka_unit_test(test_years),
        cmocka_unit_test(test_a_time_too_late),
        cmocka_unit_test(test_when_times_change),
        cmocka_unit_test(test_a_time_without_a_handle),
        cmocka_unit_test(test_a_time_is_not_given_up),
        cmocka_unit_test(test_times_without_memory),
        cmocka_unit_test(test_a_disk_that_cannot_be_written),
        cmocka_unit_test(test_sizes_of_records),
        cmocka_unit_test(test_what_is_refused),
    };

    return cmocka_run_group_tests(tests, host_boot, NULL);
}
