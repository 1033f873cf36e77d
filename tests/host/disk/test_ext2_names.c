/*
 * rename and symbolic links on ext2 and ext3; what other tools make of them;
 * and what a list of orphans says that has other things in it than files.
 */
/* sources: tests/host/disk/ext2_host.c */
/* sources: tests/host/fs/names_cases.c tests/host/fs/names_large.c */
/* sources: tests/host/fs/names_odd.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/ext2/private.h"
#include "host/disk/ext2_host.h"
#include "host/fs/names_cases.h"
#include "host/mm/hal.h"
#include "lib/errno.h"
#include "vfs/file.h"
#include "vfs/namei.h"

#define MEBI (1ul << 20)

static const char *const kinds[] = {
    "-t ext2 -b 1024",
    "-t ext2 -b 2048 -I 128 -O ^filetype",
    "-t ext3 -b 1024",
    "-t ext3 -b 4096",
};

static bool is_indexed(struct inode *directory)
{
    return ext2_of(directory)->index.pages != NULL;
}

static void mount(struct disk *disk)
{
    assert_int_equal(host_mount(disk, false), 0);
    names_at = &host_at;
    names_is_indexed = is_indexed;
}

static void unmount(struct disk *disk)
{
    assert_false(host_is_read_only());
    assert_int_equal(host_unmount(), 0);
    assert_int_equal(mm_audit(), 0);
    assert_true(disk_is_clean(disk));
}

/* A case on each kind of disk. */
static void on_disks(void (*run)(void))
{
    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct disk *disk = disk_format(kinds[i], 8 * MEBI);

        mount(disk);
        names_remove("lost+found");
        run();
        unmount(disk);
        disk_free(disk);
    }
}

#define CASE(name)                                                             \
    static void test_##name(void **state)                                      \
    {                                                                          \
        (void)state;                                                           \
        on_disks(case_##name);                                                 \
    }

NAMES_CASES(CASE)

/* ---- The disk afterwards ------------------------------------------------- */

static void assert_says(struct disk *disk, const char *command,
                        const char *text)
{
    char output[4096];

    assert_int_equal(disk_ask(disk, command, output, sizeof(output)), 0);
    if (!strstr(output, text))
        fail_msg("%s: %s, without %s", command, output, text);
}

/* What is made here is there after a restart, and others read it. */
static void test_links_stay(void **state)
{
    char target[1000];

    (void)state;
    memset(target, '/', sizeof(target));
    target[999] = '\0';
    target[998] = 'f';
    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct disk *disk = disk_format(kinds[i], 8 * MEBI);

        mount(disk);
        names_write("f", "text");
        assert_int_equal(vfs_symlink(&host_at, "f", NULL, "short"), 0);
        assert_int_equal(vfs_symlink(&host_at, target, NULL, "long"), 0);
        unmount(disk);
        assert_says(disk, "debugfs -R 'stat /short' % 2>&1",
                    "Fast link dest: \"f\"");
        assert_says(disk, "debugfs -R 'stat /long' % 2>&1", "Type: symlink");
        assert_says(disk, "debugfs -R 'cat /long' % 2>&1", target);
        mount(disk);
        assert_true(names_has("short", "text"));
        assert_true(names_has("long", "text"));
        assert_true(names_leads_to("long", target));
        names_remove("long");
        unmount(disk);
        disk_free(disk);
    }
    /* Longer than a block is none. */
    struct disk *disk = disk_format("-t ext3 -b 1024", 8 * MEBI);
    char path[1100];

    memset(path, 'x', sizeof(path));
    path[1024] = '\0';
    mount(disk);
    assert_int_equal(vfs_symlink(&host_at, path, NULL, "l"), -ENAMETOOLONG);
    unmount(disk);
    disk_free(disk);
}

/* A link made elsewhere that says more than it has, or has a zero in it. */
static void test_damaged_links(void **state)
{
    static const char *const changes[] = {
        "debugfs -w -R 'sif /l size 61' % 2>&1",
        "debugfs -w -R 'sif /l size 5' % 2>&1",
        "debugfs -w -R 'sif /l blocks 2' % 2>&1",
    };

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct disk *disk = disk_format("-t ext3 -b 1024", 8 * MEBI);
        char output[200];

        mount(disk);
        assert_int_equal(vfs_symlink(&host_at, "ab", NULL, "l"), 0);
        unmount(disk);
        assert_int_equal(disk_tool(disk, changes[i], output, 200), 0);
        mount(disk);
        assert_int_equal(names_open("l"), -EUCLEAN);
        assert_true(host_is_read_only());
        host_unmount();
        disk_free(disk);
    }
}

/* Names side by side in one block: the record of the old one may lie before or
 * behind that of the new one, or be split for it. */
static void test_rename_within_a_block(void **state)
{
    static const char *const names[] = {"a", "bbbbbbbbbbbbbbbbb", "ccccc",
                                        "ddddddddddddddddddddddddddddddd"};

    (void)state;
    for (unsigned order = 0; order < 256; order++) {
        struct disk *disk = disk_format("-t ext2 -b 1024", 2 * MEBI);
        unsigned gone = order / 64, old = order / 16 % 4, new = order / 4 % 4;
        unsigned removed = order % 4;

        mount(disk);
        names_remove("lost+found");
        for (unsigned i = 0; i < 4; i++)
            if (i != gone)
                names_write(names[i], names[i]);
        if (removed != gone && removed != old)
            names_remove(names[removed]);
        if (old != gone) {
            assert_int_equal(
                vfs_rename(&host_at, NULL, names[old], NULL, names[new]), 0);
            assert_true(names_has(names[new], names[old]));
        }
        for (unsigned i = 0; i < 4; i++)
            if (i != gone && i != removed && i != old && i != new)
                assert_true(names_has(names[i], names[i]));
        unmount(disk);
        disk_free(disk);
    }
}

/* A full disk: a rename to a longer name needs a block, and there is none. */
static void test_rename_without_room(void **state)
{
    struct disk *disk = disk_format("-t ext2 -b 1024 -N 64", 1 * MEBI);
    char old[20], name[201];
    unsigned count = 0;
    int result;

    (void)state;
    mount(disk);
    memset(name, 'n', 200);
    name[200] = '\0';
    while (host_put("fill", count * 1024ul, name, 200) == 200)
        count++;
    for (count = 0;; count++) {
        sprintf(old, "f%u", count);
        if (host_touch(old))
            break;
    }
    for (unsigned i = 0; i < count; i++) {
        sprintf(old, "f%u", i);
        sprintf(name + 190, "%010u", i);
        result = vfs_rename(&host_at, NULL, old, NULL, name);
        if (result)
            break;
    }
    assert_int_equal(result, -ENOSPC);
    assert_int_equal(host_status(old), 0);
    assert_int_equal(host_status(name), -ENOENT);
    unmount(disk);
    disk_free(disk);
}

/* ---- The index of a large directory -------------------------------------- */

#define MANY 400

static void each(const char *format, int expected, int (*act)(const char *))
{
    char path[60];

    for (unsigned i = 0; i < MANY; i++) {
        snprintf(path, sizeof(path), format, i);
        assert_int_equal(act(path), expected);
    }
}

static int unlink_one(const char *path)
{
    return vfs_unlink(&host_at, NULL, path);
}

/* Names come while there is an index, and longer ones take the places of those
 * that go; the index is given up, and made again. */
static void test_index_follows(void **state)
{
    struct disk *disk = disk_format("-t ext3 -b 1024", 16 * MEBI);
    struct inode *directory;

    (void)state;
    mount(disk);
    assert_int_equal(vfs_mkdir(&host_at, NULL, "d"), 0);
    each("d/p%u", 0, host_touch);
    assert_int_equal(
        namei(&host_at, NULL, "d", &(struct want){.follow = true}, &directory),
        0);
    assert_true(is_indexed(directory));
    each("d/q%u", 0, host_touch);
    each("d/q%u", 0, host_status);
    each("d/p%u", 0, unlink_one);
    each("d/q%u", 0, unlink_one);
    each("d/yyyyyyyyyyyyyyyyyyyyyyyyyyyyyy%u", 0, host_touch);
    each("d/p%u", -ENOENT, host_status);
    each("d/q%u", -ENOENT, host_status);
    name_index_drop(&ext2_of(directory)->index);
    each("d/yyyyyyyyyyyyyyyyyyyyyyyyyyyyyy%u", 0, host_status);
    assert_true(is_indexed(directory));
    inode_put(directory);
    unmount(disk);
    disk_free(disk);
}

/* ---- B6: orphans that are no files --------------------------------------- */

/* Have the superblock's list of orphans begin with `path`. */
static void set_orphan(struct disk *disk, const char *path)
{
    uint32_t number;

    mount(disk);
    struct file_stat stat;
    assert_int_equal(vfs_stat(&host_at, NULL, path, false, &stat), 0);
    unmount(disk);
    number = (uint32_t)stat.number;
    memcpy(disk->bytes + 1024 + 0xe8, &number, sizeof(number));
}

/* Blocks 1025 and 25185 are a file's. A device's numbers and a short link's
 * text are the numbers of these blocks. */
static struct disk *make_specimen(uint8_t *bytes, size_t size)
{
    struct disk *disk = disk_format("-t ext3 -b 1024 -N 64", 32 * MEBI);

    mount(disk);
    host_fill(bytes, 1, 0, size);
    assert_int_equal(host_put("/big", 0, bytes, size), size);
    assert_int_equal(vfs_symlink(&host_at, "ab", NULL, "/link"), 0);
    assert_int_equal(vfs_mknod(&host_at, NULL, "/device", 4, 1), 0);
    assert_int_equal(vfs_mkdir(&host_at, NULL, "/directory"), 0);
    unmount(disk);
    assert_says(disk, "debugfs -R 'icheck 1025 25185' % 2>&1", "25185\t12");
    return disk;
}

static void check_orphan(const char *path, bool damage)
{
    static uint8_t bytes[27 * MEBI], found[27 * MEBI];
    struct disk *disk = make_specimen(bytes, sizeof(bytes));

    set_orphan(disk, path);
    mount(disk);
    assert_int_equal(host_is_read_only(), damage);
    assert_int_equal(strstr(host_console, "orphan") != NULL, damage);
    assert_int_equal(host_get("/big", 0, found, sizeof(found)), sizeof(found));
    assert_memory_equal(bytes, found, sizeof(bytes));
    if (!damage) {
        unmount(disk);
    } else {
        assert_int_equal(host_touch("/new"), -EROFS);
        host_unmount();
        /* But for the list there is nothing wrong. */
        memset(disk->bytes + 1024 + 0xe8, 0, 4);
        disk->bytes[1024 + 0x3a] = 1; /* clean, without errors */
        assert_in_range(
            disk_tool(disk, "e2fsck -fy % >/dev/null 2>&1", NULL, 0), 0, 1);
        mount(disk);
        assert_int_equal(host_get("/big", 0, found, sizeof(found)),
                         sizeof(found));
        assert_memory_equal(bytes, found, sizeof(bytes));
        assert_true(names_leads_to("/link", "ab"));
        unmount(disk);
    }
    disk_free(disk);
}

static void test_b6_orphan_link(void **state)
{
    (void)state;
    check_orphan("/link", true);
}

static void test_b6_orphan_device(void **state)
{
    (void)state;
    check_orphan("/device", true);
}

/* A directory has blocks, none beyond its end. */
static void test_b6_orphan_directory(void **state)
{
    (void)state;
    check_orphan("/directory", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rename_files),
        cmocka_unit_test(test_rename_directories),
        cmocka_unit_test(test_rename_replaces),
        cmocka_unit_test(test_rename_refused),
        cmocka_unit_test(test_start_elsewhere),
        cmocka_unit_test(test_links_followed),
        cmocka_unit_test(test_links_kept),
        cmocka_unit_test(test_links_refused),
        cmocka_unit_test(test_links_of_any_length),
        cmocka_unit_test(test_f12_parent_of_removed),
        cmocka_unit_test(test_longest_names),
        cmocka_unit_test(test_slashes),
        cmocka_unit_test(test_rename_through_links),
        cmocka_unit_test(test_rename_while_listed),
        cmocka_unit_test(test_rename_in_large),
        cmocka_unit_test(test_links_stay),
        cmocka_unit_test(test_damaged_links),
        cmocka_unit_test(test_rename_within_a_block),
        cmocka_unit_test(test_index_follows),
        cmocka_unit_test(test_rename_without_room),
        cmocka_unit_test(test_b6_orphan_link),
        cmocka_unit_test(test_b6_orphan_device),
        cmocka_unit_test(test_b6_orphan_directory),
    };

    return cmocka_run_group_tests(tests, host_boot, NULL);
}
