/*
 * rename and symbolic links on the RAM file system; between two file systems;
 * and what they do when an allocation fails.
 */
/* sources: tests/host/fs/names_cases.c tests/host/fs/names_large.c */
/* sources: tests/host/fs/names_odd.c */
/* sources: kernel/vfs/vfs.c kernel/vfs/tree.c kernel/vfs/name_index.c */
/* sources: kernel/vfs/namei.c kernel/vfs/inode.c */
/* sources: kernel/vfs/file.c kernel/vfs/contents.c */
/* sources: kernel/fs/ram/[a-z]*.c */
/* sources: kernel/lib/panic.c kernel/lib/printf.c */
/* sources: tests/host/fs/stubs.c */
/* flags: -include tests/host/fs/hal.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "fs/ram/private.h"
#include "fs/ram/ramfs.h"
#include "host/fs/names_cases.h"
#include "host/fs/stubs.h"
#include "lib/errno.h"
#include "vfs/file.h"

static struct fs_context at;
static long objects_before, frames_before;

static bool is_indexed(struct inode *directory)
{
    return ramfs_of(directory)->index.pages != NULL;
}

static int start(void **state)
{
    struct superblock *root;

    (void)state;
    if (ramfs_make("ramfs", 600, &root))
        return -1;
    fs_context_init(&at, root->root, inode_get(root->root), NULL);
    names_at = &at;
    names_is_indexed = is_indexed;
    objects_before = stub_objects;
    frames_before = stub_frames;
    return 0;
}

static int finish(void **state)
{
    (void)state;
    assert_int_equal(stub_locks_held, 0);
    assert_int_equal(stub_objects, objects_before);
    assert_int_equal(stub_frames, frames_before);
    fs_context_put(&at);
    return 0;
}

#define CASE(name)                                                             \
    static void test_##name(void **state)                                      \
    {                                                                          \
        (void)state;                                                           \
        case_##name();                                                         \
    }

NAMES_CASES(CASE)

/* Paths with links put in have a bound of their own. */
static void test_path_too_long(void **state)
{
    static char target[PATH_LIMIT + 1];
    struct file_stat stat;

    (void)state;
    memset(target, '/', PATH_LIMIT);
    assert_int_equal(vfs_symlink(&at, target, NULL, "l"), -ENAMETOOLONG);
    target[PATH_LIMIT - 4] = '\0';
    assert_int_equal(vfs_symlink(&at, target, NULL, "l"), 0);
    assert_int_equal(vfs_stat(&at, NULL, "l", true, &stat), 0);
    assert_int_equal(vfs_stat(&at, NULL, "l/..", true, &stat), 0);
    assert_int_equal(vfs_stat(&at, NULL, "l/../", true, &stat), -ENAMETOOLONG);
    names_remove("l");
}

/* ---- Two file systems ---------------------------------------------------- */

static void test_mounted(void **state)
{
    struct file_stat inner, outer;
    struct superblock *other;

    (void)state;
    assert_int_equal(ramfs_make("ramfs", 100, &other), 0);
    assert_int_equal(vfs_mkdir(&at, NULL, "d"), 0);
    assert_int_equal(vfs_mkdir(&at, NULL, "d/m"), 0);
    assert_int_equal(vfs_mkdir(&at, NULL, "e"), 0);
    assert_int_equal(vfs_mount(&at, "d/m", other), 0);
    names_write("f", "outer");
    names_write("d/m/g", "inner");
    assert_int_equal(vfs_rename(&at, NULL, "f", NULL, "d/m/f"), -EXDEV);
    assert_int_equal(vfs_rename(&at, NULL, "d/m/g", NULL, "g"), -EXDEV);
    assert_int_equal(vfs_rename(&at, NULL, "d/m", NULL, "n"), -EBUSY);
    assert_int_equal(vfs_rename(&at, NULL, "e", NULL, "d/m"), -EBUSY);
    /* A link leads from one to the other, and a mount moves with its place. */
    assert_int_equal(vfs_symlink(&at, "/d/m/g", NULL, "l"), 0);
    assert_int_equal(vfs_symlink(&at, "../../f", NULL, "d/m/l"), 0);
    assert_true(names_has("l", "inner"));
    assert_true(names_has("d/m/l", "outer"));
    assert_int_equal(vfs_chdir(&at, NULL, "d/m"), 0);
    assert_int_equal(vfs_rename(&at, NULL, "..", NULL, "/n"), -EINVAL);
    assert_int_equal(vfs_rename(&at, NULL, "../../d", NULL, "/e"), 0);
    /* ".." leads to where the directory lies now that is mounted on. */
    assert_int_equal(vfs_stat(&at, NULL, "..", true, &inner), 0);
    assert_int_equal(vfs_stat(&at, NULL, "/e", true, &outer), 0);
    assert_true(inner.device == outer.device && inner.number == outer.number);
    assert_int_equal(vfs_rename(&at, NULL, "../../e", NULL, "g"), -EXDEV);
    assert_int_equal(vfs_chdir(&at, NULL, "../.."), 0);
    assert_true(names_has("e/m/g", "inner"));
    assert_true(names_has("e/m/l", "outer"));
    names_remove("e/m/g");
    names_remove("e/m/l");
    names_remove("l");
    names_remove("f");
    /* The mount stays for good, and so do its place and that one's parent. */
    objects_before = stub_objects;
    frames_before = stub_frames;
}

/* ---- Memory that ends ---------------------------------------------------- */

static int attempt(unsigned verb)
{
    switch (verb) {
    case 0:
        return vfs_symlink(&at, "f", NULL, "d/new");
    case 1:
        return vfs_rename(&at, NULL, "f", NULL, "d/new");
    case 2:
        return vfs_rename(&at, NULL, "e", NULL, "d/new");
    default:
        return names_open("l/f") ? -ENOMEM : vfs_mkdir(&at, NULL, "d/new");
    }
}

/* Each allocation fails in turn, until it succeeds: what fails changes nothing.
 * The directory is full, so the next name needs a new node. */
static void test_no_memory(void **state)
{
    struct file_stat stat;
    char name[] = "d/x";
    long frames;

    (void)state;
    assert_int_equal(vfs_mkdir(&at, NULL, "d"), 0);
    assert_int_equal(vfs_mkdir(&at, NULL, "e"), 0);
    assert_int_equal(vfs_symlink(&at, "./././.", NULL, "l"), 0);
    names_write("f", "text");
    for (name[2] = '0'; name[2] < '0' + 64; name[2]++)
        assert_int_equal(vfs_symlink(&at, "x", NULL, name), 0);
    /* An index that finds no memory is not built: no failure. So it is there
     * before. */
    frames = stub_frames;
    for (unsigned looks = 0; looks < 16; looks++)
        assert_int_equal(vfs_stat(&at, NULL, "d/new", true, &stat), -ENOENT);
    assert_true(stub_frames > frames);
    for (unsigned verb = 0; verb < 4; verb++) {
        unsigned failures = 0;
        int result;

        do {
            stub_fail_after = failures + 1;
            result = attempt(verb);
            stub_fail_after = 0;
            if (!result)
                break;
            failures++;
            /* A file in memory says so when it finds no page. */
            assert_int_equal(result == -ENOSPC && verb == 0 ? -ENOMEM : result,
                             -ENOMEM);
            assert_int_equal(vfs_stat(&at, NULL, "d/new", true, &stat),
                             -ENOENT);
            assert_true(names_has("f", "text"));
            assert_int_equal(vfs_stat(&at, NULL, "e/..", true, &stat), 0);
        } while (true);
        assert_true(failures > 0);
        if (verb == 1 || verb == 2)
            assert_int_equal(
                vfs_rename(&at, NULL, "d/new", NULL, verb == 1 ? "f" : "e"), 0);
        else
            names_remove("d/new");
    }
    for (name[2] = '0'; name[2] < '0' + 64; name[2]++)
        names_remove(name);
    names_remove("f");
    names_remove("l");
    names_remove("e");
    names_remove("d");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, start, finish)
    const struct CMUnitTest tests[] = {
        TEST(rename_files),
        TEST(rename_directories),
        TEST(rename_replaces),
        TEST(rename_refused),
        TEST(start_elsewhere),
        TEST(links_followed),
        TEST(links_kept),
        TEST(links_refused),
        TEST(links_of_any_length),
        TEST(f12_parent_of_removed),
        TEST(longest_names),
        TEST(slashes),
        TEST(rename_through_links),
        TEST(rename_while_listed),
        TEST(rename_in_large),
        TEST(path_too_long),
        TEST(mounted),
        TEST(no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
