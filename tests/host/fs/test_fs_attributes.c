/*
 * Owners, permissions and times of files in memory, and when times change.
 */
/* sources: kernel/vfs/vfs.c kernel/vfs/tree.c kernel/vfs/name_index.c */
/* sources: kernel/vfs/namei.c kernel/vfs/inode.c */
/* sources: kernel/vfs/file.c kernel/vfs/contents.c kernel/fs/ram/[a-z]*.c */
/* sources: kernel/lib/panic.c kernel/lib/printf.c tests/host/fs/stubs.c */
/* flags: -include tests/host/fs/hal.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "fs/ram/ramfs.h"
#include "host/fs/stubs.h"
#include "lib/errno.h"
#include "sched/realtime.h"
#include "vfs/file.h"

#define MODIFIED 1u
#define CHANGED  2u

static struct fs_context at;

static int start(void **state)
{
    struct superblock *root;

    (void)state;
    realtime_start = 1700000000 * REALTIME_SECOND;
    if (ramfs_make("ramfs", 100, &root))
        return -1;
    fs_context_init(&at, root->root, inode_get(root->root), NULL);
    return 0;
}

static struct file_stat stat_of(const char *path)
{
    struct file_stat stat = {0};

    assert_int_equal(vfs_stat(&at, NULL, path, true, &stat), 0);
    return stat;
}

static void open_and_close(const char *path, unsigned flags, const char *text)
{
    struct cursor cursor = cursor_kernel(text, strlen(text));
    struct file *file;

    assert_int_equal(vfs_open(&at, NULL, path, flags, &file), 0);
    if (*text)
        assert_int_equal(file_write(file, &cursor), strlen(text));
    file_put(file);
}

/* ---- What is kept -------------------------------------------------------- */

static void test_new_inodes(void **state)
{
    static const char *const paths[] = {"/", "/d", "/f", "/null"};
    static const unsigned modes[] = {0755, 0755, 0644, 0644};

    (void)state;
    assert_int_equal(vfs_mkdir(&at, NULL, "/d"), 0);
    open_and_close("/f", OPEN_CREATE, "");
    assert_int_equal(vfs_mknod(&at, NULL, "/null", 2, 0), 0);
    for (unsigned i = 0; i < 4; i++) {
        struct file_stat stat = stat_of(paths[i]);

        assert_int_equal(stat.mode, modes[i]);
        assert_int_equal(stat.owner, 0);
        assert_int_equal(stat.group, 0);
        assert_int_equal(stat.accessed, realtime());
        assert_int_equal(stat.modified, realtime());
        assert_int_equal(stat.changed, realtime());
    }
}

static void test_what_is_set(void **state)
{
    const struct file_stat to = {.mode = 07000,
                                 .owner = UINT32_MAX,
                                 .group = 7,
                                 .accessed = -1,
                                 .modified = 9000000000000000001};
    struct file_stat want = stat_of("/f"), now;

    (void)state;
    for (unsigned which = 1; which <= SET_ALL; which <<= 1) {
        stub_time += 5;
        assert_int_equal(vfs_setattr(&at, NULL, "/f", true, which, &to), 0);
        want.mode = which == SET_MODE ? to.mode : want.mode;
        want.owner = which == SET_OWNER ? to.owner : want.owner;
        want.group = which == SET_GROUP ? to.group : want.group;
        want.accessed = which == SET_ACCESSED ? to.accessed : want.accessed;
        want.modified = which == SET_MODIFIED ? to.modified : want.modified;
        want.changed = realtime();
        now = stat_of("/f");
        assert_memory_equal(&now, &want, sizeof(now));
    }
    assert_int_equal(vfs_setattr(&at, NULL, "/f", true, SET_ALL + 1, &to),
                     -EINVAL);
    assert_int_equal(vfs_setattr(&at, NULL, "/nothing", true, SET_ALL, &to),
                     -ENOENT);
    assert_int_equal(vfs_setattr(&at, NULL, "/d", true, SET_ALL, &to), 0);
    assert_int_equal(vfs_setattr(&at, NULL, "/null", true, SET_ALL, &to), 0);
}

static void test_the_earliest_time(void **state)
{
    const struct file_stat to = {.modified = INT64_MIN};

    (void)state;
    assert_int_equal(vfs_setattr(&at, NULL, "/f", true, SET_MODIFIED, &to), 0);
    assert_int_equal(stat_of("/f").modified, INT32_MIN * REALTIME_SECOND);
}

/* ---- When times change --------------------------------------------------- */

static struct file_stat file, directory;

static void look(void)
{
    file = stat_of("/e/f");
    directory = stat_of("/e");
    stub_time += 1;
}

static void expect_one(const struct file_stat *old, const char *path,
                       unsigned what)
{
    struct file_stat now = stat_of(path);

    assert_int_equal(now.accessed, old->accessed);
    assert_int_equal(now.modified,
                     what & MODIFIED ? realtime() : old->modified);
    assert_int_equal(now.changed, what & CHANGED ? realtime() : old->changed);
}

static void expect(unsigned of_file, unsigned of_directory)
{
    expect_one(&file, "/e/f", of_file);
    expect_one(&directory, "/e", of_directory);
    look();
}

static void test_when_times_change(void **state)
{
    const unsigned both = MODIFIED | CHANGED;
    struct file *open;
    struct cursor cursor;
    char byte;

    (void)state;
    assert_int_equal(vfs_mkdir(&at, NULL, "/e"), 0);
    open_and_close("/e/f", OPEN_CREATE | OPEN_WRITE, "hello");
    look();
    assert_int_equal(vfs_open(&at, NULL, "/e/f", OPEN_READ, &open), 0);
    cursor = cursor_kernel(&byte, 1);
    assert_int_equal(file_read(open, &cursor), 1);
    file_put(open);
    expect(0, 0);
    open_and_close("/e/f", OPEN_WRITE, "H");
    expect(both, 0);
    open_and_close("/e/f", OPEN_WRITE | OPEN_TRUNCATE, "");
    expect(both, 0);
    open_and_close("/e/f", OPEN_WRITE | OPEN_TRUNCATE, "");
    expect(both, 0);
    assert_int_equal(vfs_link(&at, NULL, "/e/f", NULL, "/g"), 0);
    expect(CHANGED, 0);
    assert_int_equal(vfs_link(&at, NULL, "/e/f", NULL, "/e/h"), 0);
    expect(CHANGED, both);
    assert_int_equal(vfs_unlink(&at, NULL, "/e/h"), 0);
    expect(CHANGED, both);
    assert_int_equal(vfs_mkdir(&at, NULL, "/e/s"), 0);
    expect(0, both);
    assert_int_equal(vfs_rmdir(&at, NULL, "/e/s"), 0);
    expect(0, both);
    assert_int_equal(vfs_unlink(&at, NULL, "/e/s"), -ENOENT);
    expect(0, 0);
    /* A write of which nothing is taken is none. */
    stub_fault_from = 1;
    cursor = cursor_user(1, 1);
    assert_int_equal(vfs_open(&at, NULL, "/e/f", OPEN_WRITE, &open), 0);
    assert_int_equal(file_write(open, &cursor), -EFAULT);
    file_put(open);
    stub_fault_from = UINT64_MAX;
    expect(0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_inodes),
        cmocka_unit_test(test_what_is_set),
        cmocka_unit_test(test_the_earliest_time),
        cmocka_unit_test(test_when_times_change),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
