/*
 * ext2 on disks that mke2fs made: what other tools wrote is read, what Calf
 * wrote is read by other tools and found right by e2fsck, at every size of
 * block and with and without a log.
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
#include "vfs/file.h"
#include "lib/errno.h"
#include "host/mm/hal.h"

#define MEBI (1ul << 20)

/* What a disk may be made like. */
static const char *const kinds[] = {
    "-t ext2 -b 1024", "-t ext2 -b 4096", "-t ext2 -b 2048 -I 128",
    "-t ext3 -b 1024", "-t ext3 -b 4096",
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* A file holds the stream `seed` from byte 0 to `size`, and ends there. */
static void assert_contents(const char *path, uint64_t seed, size_t size)
{
    char beyond;

    assert_int_equal(host_stat(path).size, size);
    assert_stream(path, seed, 0, size);
    assert_int_equal(host_get(path, size, &beyond, 1), 0);
}

static void test_write_and_read(void **state)
{
    (void)state;
    for (unsigned i = 0; i < KINDS; i++) {
        struct disk *disk = disk_format(kinds[i], 8 * MEBI);

        check_mount(disk);
        assert_int_equal(vfs_mkdir(&host_at, NULL, "/d"), 0);
        assert_int_equal(put_stream("/d/small", 1, 0, 100), 100);
        assert_int_equal(put_stream("/d/big", 2, 0, 700000), 700000);
        assert_contents("/d/small", 1, 100);
        assert_contents("/d/big", 2, 700000);
        check_unmount(disk);
        check_mount(disk);
        assert_contents("/d/small", 1, 100);
        assert_contents("/d/big", 2, 700000);
        assert_int_equal(vfs_unlink(&host_at, NULL, "/d/big"), 0);
        assert_int_equal(vfs_unlink(&host_at, NULL, "/d/small"), 0);
        assert_int_equal(vfs_rmdir(&host_at, NULL, "/d"), 0);
        check_unmount(disk);
        disk_free(disk);
    }
}

/* ---- Other tools --------------------------------------------------------- */

/* A folder with something of everything, made into the disk's contents. */
static struct disk *from_folder(const char *options)
{
    char command[1500], folder[] = "/tmp/ext2-XXXXXX", path[50];
    struct disk *disk;

    assert_non_null(mkdtemp(folder));
    sprintf(path, "%s/image", folder);
    sprintf(command,
            "set -e; cd %s; mkdir -p s/d/e/f; printf hello >s/d/hello; "
            "cp /bin/sh s/program; ln s/program s/d/again; "
            "ln -s d/hello s/short; ln -s $(printf %%0200d 7) s/long; "
            "truncate -s 3000000 s/hole; printf end >>s/hole; : >s/empty; "
            "for i in $(seq 300); do : >s/d/e/file-number-$i; done; "
            "truncate -s 16M image; mke2fs -q -F %s -d s image",
            folder, options);
    assert_int_equal(system(command), 0);
    disk = disk_load(path);
    sprintf(command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
    return disk;
}

/* A file of this machine's, to compare with. */
static void assert_same_file(const char *path, const char *other)
{
    FILE *file = fopen(other, "rb");
    size_t size = host_stat(path).size;
    uint8_t *ours = malloc(size), *theirs = malloc(size + 1);

    assert_non_null(file);
    assert_int_equal(fread(theirs, 1, size + 1, file), size);
    assert_int_equal(host_get(path, 0, ours, size), (ssize_t)size);
    assert_memory_equal(ours, theirs, size);
    fclose(file);
    free(ours);
    free(theirs);
}

static void assert_text(const char *path, const char *text)
{
    char bytes[300];
    ssize_t size = host_get(path, 0, bytes, sizeof(bytes) - 1);

    assert_int_equal(size, strlen(text));
    bytes[size] = '\0';
    assert_string_equal(bytes, text);
}

static void assert_link(const char *path, const char *target)
{
    char bytes[300];
    struct cursor cursor = cursor_kernel(bytes, sizeof(bytes));
    ssize_t length = vfs_read_link(&host_at, NULL, path, &cursor);

    assert_int_equal(length, strlen(target));
    assert_memory_equal(bytes, target, (size_t)length);
}

static void look_at_folder(void)
{
    char bytes[8], *list = host_list("/");
    char long_name[201];

    assert_string_equal(list, "d/empty/hole/long/lost+found/program/short/");
    free(list);
    assert_text("/d/hello", "hello");
    assert_text("/empty", "");
    assert_same_file("/program", "/bin/sh");
    assert_same_file("/d/again", "/bin/sh");
    assert_int_equal(host_stat("/program").links, 2);
    assert_int_equal(host_stat("/program").number,
                     host_stat("/d/again").number);
    assert_int_equal(host_get("/hole", 1234567, bytes, 8), 8);
    assert_memory_equal(bytes, "\0\0\0\0\0\0\0\0", 8);
    assert_int_equal(host_get("/hole", 3000000, bytes, 8), 3);
    assert_memory_equal(bytes, "end", 3);
    list = host_list("/d/e");
    for (unsigned i = 1; i <= 300; i++) {
        char name[40];

        sprintf(name, "file-number-%u/", i);
        assert_non_null(strstr(list, name));
    }
    free(list);
    assert_text("/short", "hello");
    sprintf(long_name, "%0200d", 7);
    assert_link("/short", "d/hello");
    assert_link("/long", long_name);
    assert_int_equal(host_status("/long"), -ENOENT);
}

static void test_what_mke2fs_made(void **state)
{
    (void)state;
    for (unsigned i = 0; i < KINDS; i++) {
        struct disk *disk = from_folder(kinds[i]);

        assert_int_equal(host_mount(disk, true), 0);
        look_at_folder();
        assert_int_equal(host_touch("/d/hello"), 0);
        assert_int_equal(host_touch("/new"), -EROFS);
        assert_int_equal(host_put("/d/hello", 0, "x", 1), -EROFS);
        assert_int_equal(vfs_unlink(&host_at, NULL, "/d/hello"), -EROFS);
        assert_int_equal(host_unmount(), 0);
        assert_int_equal(disk->writes, 0);
        check_mount(disk);
        look_at_folder();
        assert_int_equal(vfs_unlink(&host_at, NULL, "/program"), 0);
        assert_int_equal(vfs_unlink(&host_at, NULL, "/short"), 0);
        assert_int_equal(vfs_unlink(&host_at, NULL, "/long"), 0);
        assert_int_equal(vfs_unlink(&host_at, NULL, "/hole"), 0);
        assert_int_equal(vfs_rmdir(&host_at, NULL, "/d/e/f"), 0);
        assert_same_file("/d/again", "/bin/sh");
        check_unmount(disk);
        disk_free(disk);
    }
}

/* What Calf wrote, read by debugfs. */
static void test_what_others_read(void **state)
{
    (void)state;
    for (unsigned i = 0; i < KINDS; i++) {
        struct disk *disk = disk_format(kinds[i], 8 * MEBI);
        char output[2000];

        check_mount(disk);
        assert_int_equal(vfs_mkdir(&host_at, NULL, "/d"), 0);
        assert_int_equal(host_put("/d/text", 0, "hello\n", 6), 6);
        assert_int_equal(host_put("/d/text", 300000, "far", 3), 3);
        assert_int_equal(vfs_link(&host_at, NULL, "/d/text", NULL, "/other"),
                         0);
        assert_int_equal(vfs_mknod(&host_at, NULL, "/console", 1, 2), 0);
        assert_int_equal(vfs_mknod(&host_at, NULL, "/much", 300, 1000), 0);
        check_unmount(disk);
        disk_ask(disk, "debugfs -R 'cat /other' % 2>&1 | tr -d '\\0'", output,
                 sizeof(output));
        assert_non_null(strstr(output, "hello\n"));
        assert_non_null(strstr(output, "far"));
        disk_ask(disk, "debugfs -R 'stat /d/text' % 2>&1", output,
                 sizeof(output));
        assert_non_null(strstr(output, "Type: regular"));
        assert_non_null(strstr(output, "Links: 2"));
        assert_non_null(strstr(output, "Size: 300003"));
        disk_ask(disk, "debugfs -R 'stat /console' % 2>&1", output,
                 sizeof(output));
        assert_non_null(strstr(output, "Type: character special"));
        assert_non_null(strstr(output, "01:02"));
        check_mount(disk);
        assert_int_equal(host_stat("/console").type, INODE_DEVICE);
        assert_int_equal(host_stat("/console").major, 1);
        assert_int_equal(host_stat("/console").minor, 2);
        assert_int_equal(host_stat("/much").major, 300);
        assert_int_equal(host_stat("/much").minor, 1000);
        check_unmount(disk);
        disk_free(disk);
    }
}

/* A directory that has a tree of hashes, as other tools make of a big one. */
static void test_indexed_directory(void **state)
{
    struct disk *disk = from_folder("-t ext3 -b 1024");
    char output[2000];

    (void)state;
    assert_true(disk_tool(disk, "e2fsck -fyD %", NULL, 0) <= 1);
    disk_ask(disk, "debugfs -R 'stat /d/e' % 2>&1", output, sizeof(output));
    assert_non_null(strstr(output, "Flags: 0x1000"));
    check_mount(disk);
    assert_int_equal(host_status("/d/e/file-number-300"), 0);
    assert_int_equal(vfs_unlink(&host_at, NULL, "/d/e/file-number-7"), 0);
    assert_int_equal(host_touch("/d/e/one more name"), 0);
    check_unmount(disk);
    check_mount(disk);
    assert_int_equal(host_status("/d/e/one more name"), 0);
    assert_int_equal(host_status("/d/e/file-number-7"), -ENOENT);
    check_unmount(disk);
    disk_free(disk);
}

/* Other nodes than files, directories and consoles. */
static void test_special_nodes(void **state)
{
    struct disk *disk = disk_format("-t ext2 -b 1024", 2 * MEBI);
    struct file *file;

    (void)state;
    assert_int_equal(disk_tool(disk,
                               "debugfs -w -R 'mknod fifo p' % && "
                               "debugfs -w -R 'mknod disk b 1 0' % && "
                               "debugfs -w -R 'mknod null c 2 0' %",
                               NULL, 0),
                     0);
    check_mount(disk);
    assert_int_equal(host_stat("/null").major, 2);
    assert_int_equal(vfs_open(&host_at, NULL, "/disk", OPEN_READ, &file),
                     -ENODEV);
    assert_int_equal(vfs_open(&host_at, NULL, "/fifo", OPEN_READ, &file),
                     -ENODEV);
    assert_int_equal(vfs_unlink(&host_at, NULL, "/fifo"), 0);
    assert_int_equal(vfs_unlink(&host_at, NULL, "/disk"), 0);
    check_unmount(disk);
    disk_free(disk);
}

/* Extended attributes in a block that two files share. */
static void test_attributes(void **state)
{
    struct disk *disk = disk_format("-t ext2 -b 1024 -I 128", 2 * MEBI);

    (void)state;
    assert_int_equal(disk_tool(disk,
                               "echo hello >%.x && debugfs -w -R "
                               "'write %.x f' % && rm %.x && debugfs -w -R "
                               "'ea_set f user.colour blue' %",
                               NULL, 0),
                     0);
    assert_true(disk_is_clean(disk));
    check_mount(disk);
    assert_int_equal(host_put("/f", 0, "HELLO", 5), 5);
    assert_int_equal(host_truncate("/f", 0), 0);
    assert_int_equal(host_put("/f", 5000, "HELLO", 5), 5);
    check_unmount(disk);
    check_mount(disk);
    assert_int_equal(vfs_unlink(&host_at, NULL, "/f"), 0);
    check_unmount(disk);
    disk_free(disk);
}

/* ---- What cannot be mounted ---------------------------------------------- */

static void refuse(const char *options, int error, const char *message)
{
    struct disk *disk = disk_format(options, 16 * MEBI);

    assert_int_equal(host_mount(disk, false), error);
    if (!strstr(host_console, message))
        fail_msg("%s: %s", options, host_console);
    assert_int_equal(disk->writes, 0);
    disk_free(disk);
}

static void test_features(void **state)
{
    struct disk *disk;

    (void)state;
    refuse("-t ext4", -EOPNOTSUPP, "has the feature extent:");
    refuse("-t ext4", -EOPNOTSUPP, "has the feature flex_bg:");
    refuse("-t ext2 -O meta_bg,^resize_inode", -EOPNOTSUPP,
           "has the feature meta_bg:");
    refuse("-t ext2 -O mmp", -EOPNOTSUPP, "has the feature mmp:");
    refuse("-t ext2 -O encrypt", -EOPNOTSUPP, "has the feature encrypt:");
    refuse("-O journal_dev", -EOPNOTSUPP, "has the feature journal_dev:");

    disk = disk_format("-t ext3 -O huge_file,dir_nlink", 8 * MEBI);
    assert_int_equal(host_mount(disk, false), 0);
    assert_non_null(strstr(host_console, "has the feature huge_file: Calf "
                                         "does not write to it"));
    assert_int_equal(host_touch("/f"), -EROFS);
    assert_int_equal(host_unmount(), 0);
    assert_int_equal(disk->writes, 0);
    disk_free(disk);

    disk = disk_format("-r 0", 8 * MEBI);
    check_mount(disk);
    assert_int_equal(put_stream("/f", 1, 0, 5000), 5000);
    assert_contents("/f", 1, 5000);
    check_unmount(disk);
    disk_free(disk);
}

static void test_no_file_system(void **state)
{
    struct disk *disk = disk_new(MEBI);

    (void)state;
    assert_int_equal(host_mount(disk, false), -EINVAL);
    assert_non_null(strstr(host_console, "no ext2 file system"));
    disk_free(disk);
    disk = disk_new(512);
    assert_int_equal(host_mount(disk, false), -EINVAL);
    disk_free(disk);
    disk = disk_format("-t ext2", 2 * MEBI);
    disk->device.sectors /= 2;
    assert_int_equal(host_mount(disk, false), -EUCLEAN);
    assert_non_null(strstr(host_console, "more blocks than the disk has"));
    disk_free(disk);
    disk = disk_format("-t ext2", 2 * MEBI);
    disk->dead = true;
    assert_int_equal(host_mount(disk, false), -EIO);
    disk_free(disk);
}

/* A mark that errors were found: nothing is written until e2fsck has run. */
static void test_marked_as_damaged(void **state)
{
    struct disk *disk = disk_format("-t ext2", 2 * MEBI);

    (void)state;
    disk->bytes[1024 + 0x3a] |= 2;
    assert_int_equal(host_mount(disk, false), 0);
    assert_int_equal(host_touch("/f"), -EROFS);
    assert_int_equal(host_unmount(), 0);
    assert_int_equal(disk->writes, 0);
    disk_free(disk);
}

/* ---- Names --------------------------------------------------------------- */

static void test_thousand_entries(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        struct disk *disk = disk_format(kinds[kind], 8 * MEBI);
        char path[60];

        check_mount(disk);
        assert_int_equal(vfs_mkdir(&host_at, NULL, "/d"), 0);
        for (unsigned i = 0; i < 1000; i++) {
            sprintf(path, "/d/entry-%u", i);
            assert_int_equal(host_touch(path), 0);
        }
        for (unsigned i = 0; i < 1000; i += 2) {
            sprintf(path, "/d/entry-%u", i);
            assert_int_equal(vfs_unlink(&host_at, NULL, path), 0);
        }
        check_unmount(disk);
        check_mount(disk);
        for (unsigned i = 0; i < 1000; i++) {
            sprintf(path, "/d/entry-%u", i);
            assert_int_equal(host_status(path), i % 2 ? 0 : -ENOENT);
        }
        assert_int_equal(vfs_rmdir(&host_at, NULL, "/d"), -ENOTEMPTY);
        /* The room is used again. */
        uint64_t size = host_stat("/d").size;
        for (unsigned i = 0; i < 1000; i += 2) {
            sprintf(path, "/d/entry-%u", i);
            assert_int_equal(host_touch(path), 0);
        }
        assert_int_equal(host_stat("/d").size, size);
        check_unmount(disk);
        disk_free(disk);
    }
}

static void test_depth(void **state)
{
    struct disk *disk = disk_format("-t ext3 -b 1024", 8 * MEBI);
    char path[200] = "";

    (void)state;
    check_mount(disk);
    for (unsigned i = 0; i < 51; i++) {
        strcat(path, "/x");
        assert_int_equal(vfs_mkdir(&host_at, NULL, path), 0);
    }
    strcat(path, "/f");
    assert_int_equal(put_stream(path, 3, 0, 2000), 2000);
    check_unmount(disk);
    check_mount(disk);
    assert_contents(path, 3, 2000);
    assert_int_equal(vfs_unlink(&host_at, NULL, path), 0);
    for (unsigned i = 0; i < 51; i++) {
        path[strlen(path) - 2] = '\0';
        assert_int_equal(vfs_rmdir(&host_at, NULL, path), 0);
    }
    check_unmount(disk);
    disk_free(disk);
}

/* A file can have 32 000 names. */
static void test_link_limit(void **state)
{
    struct disk *disk = disk_format("-t ext2 -b 1024", 8 * MEBI);
    char path[40];
    unsigned i = 0;
    int result = 0;

    (void)state;
    check_mount(disk);
    assert_int_equal(host_touch("/f"), 0);
    for (; !result; i++) {
        sprintf(path, "/d%u", i % 400);
        if (i < 400)
            assert_int_equal(vfs_mkdir(&host_at, NULL, path), 0);
        sprintf(path + strlen(path), "/%u", i);
        if (i >= 400)
            result = vfs_link(&host_at, NULL, "/f", NULL, path);
    }
    assert_int_equal(result, -EMLINK);
    assert_int_equal(host_stat("/f").links, 32000);
    check_unmount(disk);
    disk_free(disk);
}

/* ---- Memory -------------------------------------------------------------- */

/* A second reading reads nothing, as long as memory lasts. */
static void test_stays_in_memory(void **state)
{
    struct disk *disk = from_folder("-t ext3 -b 4096");
    uint64_t reads;

    (void)state;
    check_mount(disk);
    look_at_folder();
    reads = disk->reads;
    look_at_folder();
    assert_int_equal(disk->reads, reads);
    assert_true(host_super->writeback->ops->shrink(host_super->writeback));
    assert_false(host_super->writeback->ops->shrink(host_super->writeback));
    look_at_folder();
    assert_true(disk->reads > reads);
    check_unmount(disk);
    disk_free(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_and_read),
        cmocka_unit_test(test_what_mke2fs_made),
        cmocka_unit_test(test_what_others_read),
        cmocka_unit_test(test_indexed_directory),
        cmocka_unit_test(test_special_nodes),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_features),
        cmocka_unit_test(test_no_file_system),
        cmocka_unit_test(test_marked_as_damaged),
        cmocka_unit_test(test_thousand_entries),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_link_limit),
        cmocka_unit_test(test_stays_in_memory),
    };

    return cmocka_run_group_tests(tests, host_boot, NULL);
}
