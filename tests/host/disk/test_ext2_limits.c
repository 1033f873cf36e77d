/*
 * ext2 when something ends or fails: room, inodes, memory at every allocation,
 * the device, power; files that are larger, longer or sparser than others; and
 * files that are changed or removed while somebody has them open or mapped.
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
#include "cache/cache.h"
#include "fs/ext2/ext2.h"
#include "vfs/file.h"
#include "lib/errno.h"
#include "host/mm/hal.h"

#define MEBI (1ul << 20)

/* ---- Large and sparse ---------------------------------------------------- */

/* Pieces of a file at every level of its map, with holes between. */
static void test_triple_indirect(void **state)
{
    static const uint64_t places[] = {0,
                                      11 * 1024,
                                      12 * 1024 - 5,
                                      267 * 1024,
                                      268 * 1024 + 1,
                                      65803 * 1024,
                                      65804ul * 1024,
                                      65804ul * 1024 + 300000,
                                      70 * MEBI,
                                      1500 * MEBI + 17};
    unsigned count = sizeof(places) / sizeof(places[0]);
    struct disk *disk = disk_format("-t ext3 -b 1024 -J size=1", 8 * MEBI);

    (void)state;
    check_mount(disk);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(put_stream("/f", 7, places[i], 5000), 5000);
    check_unmount(disk);
    check_mount(disk);
    assert_int_equal(host_stat("/f").size, places[count - 1] + 5000);
    for (unsigned i = count; i--;)
        assert_stream("/f", 7, places[i], 5000);
    /* Shorter and shorter, to within each level. */
    for (unsigned i = count - 1; i; i--) {
        assert_int_equal(host_truncate("/f", places[i] + 100), 0);
        assert_stream("/f", 7, places[i], 100);
        assert_stream("/f", 7, places[i - 1], 100);
    }
    check_unmount(disk);
    check_mount(disk);
    assert_int_equal(host_truncate("/f", 2000 * MEBI), 0);
    assert_stream("/f", 7, places[1], 100);
    assert_int_equal(vfs_unlink(&host_at, NULL, "/f"), 0);
    check_unmount(disk);
    disk_free(disk);
}

static void test_size_limit(void **state)
{
    struct disk *disk = disk_format("-t ext2 -b 1024 -O ^large_file", 8 * MEBI);
    uint64_t limit = 0x7fffffff;

    (void)state;
    check_mount(disk);
    assert_int_equal(put_stream("/f", 1, limit - 100, 200), 100);
    assert_int_equal(put_stream("/f", 1, limit, 10), -EFBIG);
    assert_int_equal(host_truncate("/f", limit + 1), -EFBIG);
    assert_int_equal(host_stat("/f").size, limit);
    check_unmount(disk);
    disk_free(disk);

    disk = disk_format("-t ext2 -b 1024", 8 * MEBI);
    limit = (12 + 256 + 65536 + (1ul << 24)) * 1024;
    check_mount(disk);
    assert_int_equal(put_stream("/f", 1, limit - 100, 200), 100);
    assert_int_equal(put_stream("/f", 1, UINT64_MAX - 10, 200), -EFBIG);
    assert_int_equal(host_truncate("/f", UINT64_MAX), -EFBIG);
    check_unmount(disk);
    disk_free(disk);
}

/* More blocks in one file than one transaction can free. */
static void test_long_truncation(void **state)
{
    struct disk *disk = disk_format("-t ext3 -b 1024 -J size=1", 48 * MEBI);

    (void)state;
    check_mount(disk);
    assert_int_equal(put_stream("/f", 5, 0, 30 * MEBI), 30 * MEBI);
    assert_int_equal(put_stream("/g", 6, 0, 10 * MEBI), 10 * MEBI);
    assert_int_equal(host_truncate("/f", 1234567), 0);
    assert_stream("/f", 5, 0, 1234567);
    check_unmount(disk);
    check_mount(disk);
    assert_stream("/f", 5, 0, 1234567);
    assert_stream("/g", 6, 0, 10 * MEBI);
    check_unmount(disk);
    disk_free(disk);
}

/* ---- Room ---------------------------------------------------------------- */

/* What a tool would fill the disk with; how much there was room for. */
static uint64_t fill(const char *path)
{
    uint64_t size = 0;
    ssize_t moved;

    while ((moved = put_stream(path, 9, size, 100000)) > 0)
        size += (uint64_t)moved;
    assert_int_equal(moved, -ENOSPC);
    assert_int_equal(host_stat(path).size, size);
    return size;
}

static void fill_and_recover(const char *options)
{
    struct disk *disk = disk_format(options, 6 * MEBI);
    uint64_t first;

    check_mount(disk);
    assert_int_equal(put_stream("/kept", 1, 0, 20000), 20000);
    first = fill("/f");
    assert_true(first > 2 * MEBI);
    assert_int_equal(vfs_mkdir(&host_at, NULL, "/d"), -ENOSPC);
    assert_int_equal(put_stream("/kept", 2, 0, 20000), 20000);
    /* All of it is there again at once, though it is not yet committed. */
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(vfs_unlink(&host_at, NULL, "/f"), 0);
        assert_int_equal(fill("/f"), first);
    }
    assert_stream("/f", 9, 0, first);
    check_unmount(disk);
    check_mount(disk);
    assert_stream("/f", 9, 0, first);
    assert_stream("/kept", 2, 0, 20000);
    assert_int_equal(host_truncate("/f", 0), 0);
    assert_int_equal(fill("/f"), first);
    assert_int_equal(vfs_unlink(&host_at, NULL, "/f"), 0);
    assert_int_equal(vfs_mkdir(&host_at, NULL, "/d"), 0);
    check_unmount(disk);
    disk_free(disk);
}

/* One block is free, where a write needs two: one for pointers, which it takes
 * first and gives back. That is told, and not tried again for ever. */
static void test_no_room_for_the_second_block(void **state)
{
    struct disk *disk = disk_format("-t ext3 -b 1024 -J size=1", 6 * MEBI);
    uint64_t size;

    (void)state;
    check_mount(disk);
    assert_int_equal(put_stream("/x", 1, 0, 12 * 1024), 12 * 1024);
    size = fill("/g");
    assert_int_equal(host_truncate("/g", (size - 1) / 1024 * 1024), 0);
    assert_int_equal(put_stream("/x", 1, 12 * 1024, 1024), -ENOSPC);
    assert_int_equal(put_stream("/x", 1, 12 * 1024, 1024), -ENOSPC);
    assert_stream("/x", 1, 0, 12 * 1024);
    check_unmount(disk);
    disk_free(disk);
}

static void test_no_room(void **state)
{
    (void)state;
    fill_and_recover("-t ext3 -b 1024 -J size=1");
    fill_and_recover("-t ext3 -b 4096 -J size=4 -m 0");
    fill_and_recover("-t ext2 -b 1024");
    fill_and_recover("-t ext2 -b 4096");
}

/* A write that is partly to blocks the file has changes nothing else. */
static void test_no_room_for_a_hole(void **state)
{
    struct disk *disk = disk_format("-t ext2 -b 1024", 2 * MEBI);
    uint8_t bytes[8192];

    (void)state;
    check_mount(disk);
    assert_int_equal(put_stream("/f", 1, 0, 1024), 1024);
    assert_int_equal(put_stream("/f", 1, 2048, 6144), 6144);
    (void)fill("/g");
    assert_int_equal(put_stream("/f", 2, 0, 8192), 1024);
    assert_int_equal(host_get("/f", 0, bytes, sizeof(bytes)), 8192);
    for (unsigned i = 0; i < 8192; i++)
        if (bytes[i] != (i < 1024   ? host_byte(2, i)
                         : i < 2048 ? 0
                                    : host_byte(1, i)))
            fail_msg("byte %u", i);
    check_unmount(disk);
    disk_free(disk);
}

static void test_no_inodes(void **state)
{
    struct disk *disk =
        disk_format("-t ext3 -b 1024 -N 64 -J size=1", 8 * MEBI);
    unsigned count = 0;
    char path[20];

    (void)state;
    check_mount(disk);
    for (int result = 0; !result; count += !result) {
        sprintf(path, "/f%u", count);
        result = host_touch(path);
        assert_true(result == 0 || result == -ENOSPC);
    }
    assert_true(count > 40);
    assert_int_equal(vfs_mkdir(&host_at, NULL, "/d"), -ENOSPC);
    assert_int_equal(host_status("/d"), -ENOENT);
    assert_int_equal(vfs_unlink(&host_at, NULL, "/f3"), 0);
    assert_int_equal(vfs_mkdir(&host_at, NULL, "/d"), 0);
    assert_int_equal(host_touch("/f3"), -ENOSPC);
    assert_int_equal(vfs_rmdir(&host_at, NULL, "/d"), 0);
    assert_int_equal(host_touch("/f3"), 0);
    check_unmount(disk);
    disk_free(disk);
}

/* ---- Memory -------------------------------------------------------------- */

static int step_create(void)
{
    return host_touch("/d/new");
}

static int step_mkdir(void)
{
    return vfs_mkdir(&host_at, NULL, "/d/sub");
}

static int step_link(void)
{
    return vfs_link(&host_at, NULL, "/d/new", NULL, "/d/linked");
}

/* One name or the other is there. */
static int rename_step(const char *old, const char *new)
{
    int result = vfs_rename(&host_at, NULL, old, NULL, new);

    assert_int_equal(host_status(result ? old : new), 0);
    assert_int_equal(host_status(result ? new : old), -ENOENT);
    return result;
}

static int step_rename(void)
{
    return rename_step("/d/linked", "/d/sub/renamed");
}

static int step_move(void)
{
    return rename_step("/d/sub", "/sub");
}

static int step_move_back(void)
{
    return rename_step("/sub", "/d/sub");
}

static int step_replace(void)
{
    int result = vfs_symlink(&host_at, "x", NULL, "/d/linked");

    if (!result || result == -EEXIST)
        result = vfs_rename(&host_at, NULL, "/d/linked", NULL, "/sub/renamed");
    return result;
}

static int step_unlink_renamed(void)
{
    return vfs_unlink(&host_at, NULL, "/d/sub/renamed");
}

static int step_write(void)
{
    ssize_t moved = put_stream("/d/new", 3, 0, 50000);

    return moved == 50000 ? 0 : moved < 0 ? (int)moved : -ENOMEM;
}

static int step_far_write(void)
{
    ssize_t moved = put_stream("/d/new", 3, 3000000, 3000);

    return moved == 3000 ? 0 : moved < 0 ? (int)moved : -ENOMEM;
}

static int step_shorten(void)
{
    return host_truncate("/d/new", 20000);
}

static int step_lengthen(void)
{
    return host_truncate("/d/new", 40000);
}

static int step_unlink_last(void)
{
    return vfs_unlink(&host_at, NULL, "/d/new");
}

static int step_setattr(void)
{
    const struct file_stat to = {.mode = 0600};
    int result = vfs_setattr(&host_at, NULL, "/d/new", true, SET_MODE, &to);

    assert_int_equal(host_stat("/d/new").mode, result ? 0644 : 0600);
    return result;
}

static int step_sync(void)
{
    return host_sync();
}

static int step_rmdir(void)
{
    return vfs_rmdir(&host_at, NULL, "/d/sub");
}

/* Do it until no allocation fails; each time before, it tells so or it was
 * done nevertheless. */
static void with_failures(int (*step)(void))
{
    for (uint32_t nth = 1;; nth++) {
        bool failed;
        int result;

        host_super->writeback->ops->shrink(host_super->writeback);
        page_fail_after(nth);
        result = step();
        failed = page_failed_on_command();
        page_fail_after(0);
        if (result != 0 && result != -ENOMEM)
            fail_msg("allocation %u: %d", nth, result);
        if (result && !failed)
            fail_msg("%d without a reason", result);
        if (!result)
            return;
        assert_false(host_is_read_only());
    }
}

static void test_no_memory(void **state)
{
    static int (*const steps[])(void) = {
        step_create,    step_setattr,        step_mkdir,
        step_link,      step_write,          step_sync,
        step_shorten,   step_sync,           step_far_write,
        step_shorten,   step_lengthen,       step_rename,
        step_move,      step_sync,           step_replace,
        step_move_back, step_unlink_renamed, step_unlink_last,
        step_sync,      step_rmdir,          step_sync};
    static const char *const kinds[] = {"-t ext2 -b 4096", "-t ext3 -b 1024"};

    (void)state;
    for (unsigned kind = 0; kind < 2; kind++) {
        struct disk *disk = disk_format(kinds[kind], 8 * MEBI);

        check_mount(disk);
        assert_int_equal(vfs_mkdir(&host_at, NULL, "/d"), 0);
        for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
            with_failures(steps[i]);
        check_unmount(disk);
        disk_free(disk);
    }
}

static void test_no_memory_to_mount(void **state)
{
    struct disk *disk = disk_format("-t ext3 -b 1024", 8 * MEBI);
    int result = -1;

    (void)state;
    for (uint32_t nth = 1; result; nth++) {
        page_fail_after(nth);
        result = host_mount(disk, false);
        if (result) {
            assert_int_equal(result, -ENOMEM);
            assert_int_equal(page_free_count(), host_pages);
        }
        page_fail_after(0);
    }
    check_unmount(disk);
    disk_free(disk);
}

/* ---- The device ---------------------------------------------------------- */

/* A read that fails is told, harms nothing, and is tried again. */
static void test_read_errors(void **state)
{
    struct disk *disk = disk_format("-t ext3 -b 1024", 8 * MEBI);
    uint8_t bytes[100];
    int result = -1;

    (void)state;
    check_mount(disk);
    assert_int_equal(vfs_mkdir(&host_at, NULL, "/d"), 0);
    assert_int_equal(put_stream("/d/f", 1, 0, 400000), 400000);
    check_unmount(disk);
    for (unsigned nth = 1; result != 100; nth++) {
        assert_int_equal(host_mount(disk, false), 0);
        disk->fail_read = nth;
        result = (int)host_get("/d/f", 300000, bytes, 100);
        assert_true(result == 100 || result == -EIO);
        disk->fail_read = 0;
        assert_stream("/d/f", 1, 0, 400000);
        assert_int_equal(host_unmount(), 0);
    }
    assert_true(disk_is_clean(disk));
    disk_free(disk);
}

/* After a write that fails it is read-only, and what was safe stays so. */
static void test_write_errors(void **state)
{
    unsigned failures = 0;

    (void)state;
    for (unsigned nth = 1;; nth++) {
        struct disk *disk = disk_format("-t ext3 -b 1024", 8 * MEBI);
        int result;

        check_mount(disk);
        assert_int_equal(put_stream("/kept", 1, 0, 50000), 50000);
        assert_int_equal(host_sync(), 0);
        disk->fail_write = nth;
        (void)vfs_mkdir(&host_at, NULL, "/d");
        (void)put_stream("/d/f", 2, 0, 300000);
        (void)vfs_unlink(&host_at, NULL, "/d/f");
        result = host_sync();
        if (disk->fail_write) {
            assert_int_equal(result, 0);
            disk->fail_write = 0;
            check_unmount(disk);
            disk_free(disk);
            break;
        }
        failures++;
        assert_int_equal(result, -EIO);
        assert_int_equal(host_sync(), -EROFS);
        assert_true(host_is_read_only());
        assert_non_null(strstr(host_console, "read-only from now on"));
        assert_int_equal(host_touch("/new"), -EROFS);
        assert_int_equal(put_stream("/kept", 3, 0, 10), -EROFS);
        assert_stream("/kept", 1, 0, 50000);
        assert_true(host_unmount() < 0);
        assert_int_equal(page_free_count(), host_pages);
        check_mount(disk);
        assert_stream("/kept", 1, 0, 50000);
        assert_int_equal(host_unmount(), 0);
        assert_true(disk_tool(disk, "e2fsck -fy % >/dev/null 2>&1", NULL, 0) <=
                    1);
        disk_free(disk);
    }
    assert_true(failures > 3);
}

/* ---- Open and mapped ----------------------------------------------------- */

static void test_unlinked_open_file(void **state)
{
    struct disk *disk = disk_format("-t ext3 -b 1024", 8 * MEBI);
    struct file *file, *other;
    char bytes[10];
    struct cursor cursor = cursor_kernel("more", 4);

    (void)state;
    check_mount(disk);
    assert_int_equal(put_stream("/f", 1, 0, 100000), 100000);
    assert_int_equal(
        vfs_open(&host_at, NULL, "/f", OPEN_READ | OPEN_WRITE, &file), 0);
    assert_int_equal(put_stream("/g", 2, 0, 100000), 100000);
    assert_int_equal(vfs_open(&host_at, NULL, "/g", OPEN_READ, &other), 0);
    assert_int_equal(vfs_unlink(&host_at, NULL, "/f"), 0);
    assert_int_equal(vfs_unlink(&host_at, NULL, "/g"), 0);
    assert_int_equal(host_sync(), 0);
    file->offset = 100000;
    assert_int_equal(file_write(file, &cursor), 4);
    cursor = cursor_kernel(bytes, 10);
    assert_int_equal(file_read_at(file, &cursor, 100000), 4);
    assert_memory_equal(bytes, "more", 4);
    assert_int_equal(host_touch("/f"), 0);
    /* The first of the two in the list of orphans goes last. */
    file_put(file);
    assert_int_equal(host_sync(), 0);
    file_put(other);
    check_unmount(disk);
    disk_free(disk);
}

/* Power goes while unlinked files are open: the next mount frees them. */
static void test_orphans(void **state)
{
    static const char *const kinds[] = {"-t ext3 -b 1024", "-t ext2 -b 4096"};

    (void)state;
    for (unsigned kind = 0; kind < 2; kind++) {
        struct disk *disk = disk_format(kinds[kind], 16 * MEBI), *after;
        struct file *files[3];
        char path[20];

        check_mount(disk);
        disk_record(disk);
        for (unsigned i = 0; i < 3; i++) {
            sprintf(path, "/f%u", i);
            assert_int_equal(put_stream(path, i, 0, 400000), 400000);
            assert_int_equal(
                vfs_open(&host_at, NULL, path, OPEN_READ, &files[i]), 0);
            assert_int_equal(vfs_unlink(&host_at, NULL, path), 0);
        }
        assert_int_equal(host_sync(), 0);
        after = disk_after_cut(disk, disk->event_count, 0);
        for (unsigned i = 0; i < 3; i++)
            file_put(files[i]);
        check_unmount(disk);
        disk_free(disk);
        check_mount(after);
        assert_non_null(strstr(host_console, "3 unlinked or shortened files"));
        check_unmount(after);
        disk_free(after);
    }
}

/* As a fault gets it: without waiting, or after that. */
static int page_of(struct object *object, uint64_t index, struct page **page)
{
    int error = object->ops->page(object, index, page);

    if (error != -EAGAIN)
        return error;
    error = object->ops->fetch(object, index);
    return error ? error : object->ops->page(object, index, page);
}

/* A mapping keeps what it has; the file goes on with a copy. */
static void test_mapped_file(void **state)
{
    struct disk *disk = disk_format("-t ext3 -b 1024", 8 * MEBI);
    struct object *object;
    struct page *pages[3], *again;
    struct file *file;

    (void)state;
    check_mount(disk);
    assert_int_equal(put_stream("/f", 1, 0, 9000), 9000);
    assert_int_equal(vfs_open(&host_at, NULL, "/f", OPEN_READ, &file), 0);
    object = &file->inode->object;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(page_of(object, i, &pages[i]), 0);
    assert_int_equal(page_of(object, 3, &pages[0]), -ENXIO);
    assert_int_equal(put_stream("/f", 2, 4096, 4096), 4096);
    assert_int_equal(host_truncate("/f", 100), 0);
    for (unsigned i = 0; i < 3; i++) {
        const uint8_t *bytes = page_data(pages[i]);

        for (unsigned j = 0; j < 4096 && i * 4096 + j < 9000; j++)
            if (bytes[j] != host_byte(1, i * 4096 + j))
                fail_msg("page %u: byte %u", i, j);
    }
    /* What is past the end shows as zeros, before and after. */
    assert_int_equal(((uint8_t *)page_data(pages[2]))[9000 - 8192], 0);
    assert_int_equal(page_of(object, 0, &again), 0);
    assert_int_equal(((uint8_t *)page_data(again))[99], host_byte(1, 99));
    for (unsigned j = 100; j < 4096; j++)
        assert_int_equal(((uint8_t *)page_data(again))[j], 0);
    page_put(again);
    assert_int_equal(page_of(object, 1, &pages[1]), -ENXIO);
    for (unsigned i = 0; i < 3; i++)
        page_put(pages[i]);
    file_put(file);
    check_unmount(disk);
    disk_free(disk);
}

/* A write from memory that the user does not have. */
static void test_faulting_write(void **state)
{
    struct disk *disk = disk_format("-t ext3 -b 1024", 8 * MEBI);
    struct cursor cursor = cursor_user(UINT64_C(1) << 40, 3000);
    struct file *file;

    (void)state;
    check_mount(disk);
    assert_int_equal(put_stream("/f", 1, 0, 5000), 5000);
    assert_int_equal(vfs_open(&host_at, NULL, "/f", OPEN_WRITE, &file), 0);
    file->offset = 5000;
    assert_int_equal(file_write(file, &cursor), -EFAULT);
    assert_int_equal(cursor.left, 3000);
    assert_int_equal(host_stat("/f").size, 5000);
    assert_stream("/f", 1, 0, 5000);
    file_put(file);
    check_unmount(disk);
    disk_free(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_triple_indirect),
        cmocka_unit_test(test_size_limit),
        cmocka_unit_test(test_long_truncation),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_no_room_for_the_second_block),
        cmocka_unit_test(test_no_room_for_a_hole),
        cmocka_unit_test(test_no_inodes),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_no_memory_to_mount),
        cmocka_unit_test(test_read_errors),
        cmocka_unit_test(test_write_errors),
        cmocka_unit_test(test_unlinked_open_file),
        cmocka_unit_test(test_orphans),
        cmocka_unit_test(test_mapped_file),
        cmocka_unit_test(test_faulting_write),
    };

    return cmocka_run_group_tests(tests, host_boot, NULL);
}
