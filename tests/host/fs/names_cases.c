/*
 * The results are those that POSIX asks for, where it says something.
 */
#include "host/fs/names_cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "vfs/file.h"
#include "lib/errno.h"

struct fs_context *names_at;

/* ---- Shorter words ------------------------------------------------------- */

#define GIVES(result, call) assert_int_equal(call, result)
#define IS(path, text)      assert_true(names_has(path, text))

static int move(const char *old, const char *new)
{
    return vfs_rename(names_at, NULL, old, NULL, new);
}

static int make(const char *path)
{
    return vfs_mkdir(names_at, NULL, path);
}

static int symlink_to(const char *target, const char *path)
{
    return vfs_symlink(names_at, target, NULL, path);
}

static struct file_stat stat_of(const char *path)
{
    struct file_stat stat = {0};

    GIVES(0, vfs_stat(names_at, NULL, path, false, &stat));
    return stat;
}

static int status(const char *path)
{
    struct file_stat stat;

    return vfs_stat(names_at, NULL, path, true, &stat);
}

void names_remove(const char *path)
{
    GIVES(0, vfs_remove(names_at, NULL, path));
}

void names_write(const char *path, const char *text)
{
    struct cursor cursor = cursor_kernel(text, strlen(text));
    struct file *file;

    GIVES(0, vfs_open(names_at, NULL, path,
                      OPEN_CREATE | OPEN_WRITE | OPEN_TRUNCATE, &file));
    assert_int_equal(file_write(file, &cursor), strlen(text));
    file_put(file);
}

bool names_has(const char *path, const char *text)
{
    char bytes[100];
    struct cursor cursor = cursor_kernel(bytes, sizeof(bytes));
    struct file *file;
    ssize_t length;

    if (vfs_open(names_at, NULL, path, OPEN_READ, &file))
        return false;
    length = file_read(file, &cursor);
    file_put(file);
    return length == (ssize_t)strlen(text) && !memcmp(bytes, text, length);
}

int names_open(const char *path)
{
    struct file *file;
    int result = vfs_open(names_at, NULL, path, OPEN_READ, &file);

    if (!result)
        file_put(file);
    return result;
}

bool names_leads_to(const char *path, const char *target)
{
    char bytes[PATH_LIMIT];
    struct cursor cursor = cursor_kernel(bytes, sizeof(bytes));
    ssize_t length = vfs_read_link(names_at, NULL, path, &cursor);

    return length == (ssize_t)strlen(target) && !memcmp(bytes, target, length);
}

/* ---- rename -------------------------------------------------------------- */

void case_rename_files(void)
{
    uint64_t number;

    names_write("a", "one");
    GIVES(0, make("d"));
    number = stat_of("a").number;
    GIVES(0, move("a", "b"));
    GIVES(-ENOENT, status("a"));
    IS("b", "one");
    assert_int_equal(stat_of("b").number, number);
    assert_int_equal(stat_of("b").links, 1);
    GIVES(0, move("/b", "/d/c"));
    GIVES(-ENOENT, status("b"));
    IS("d/c", "one");
    GIVES(0, move("d/c", "d/c"));
    GIVES(0, move("d/c", "d/a-longer-name-than-it-was"));
    GIVES(0, move("d/a-longer-name-than-it-was", "a"));
    IS("a", "one");
    assert_int_equal(stat_of("a").links, 1);
    assert_int_equal(stat_of("d").links, 2);
    names_remove("a");
    names_remove("d");
}

void case_rename_directories(void)
{
    uint32_t links = stat_of(".").links;

    GIVES(0, make("p"));
    GIVES(0, make("q"));
    GIVES(0, make("p/d"));
    names_write("p/d/f", "text");
    assert_int_equal(stat_of("p").links, 3);
    GIVES(0, move("p/d", "p/e"));
    assert_int_equal(stat_of("p").links, 3);
    assert_int_equal(stat_of("p/e/..").number, stat_of("p").number);
    GIVES(0, move("p/e", "q/d"));
    assert_int_equal(stat_of("p").links, 2);
    assert_int_equal(stat_of("q").links, 3);
    assert_int_equal(stat_of("q/d").links, 2);
    assert_int_equal(stat_of("q/d/..").number, stat_of("q").number);
    IS("q/d/f", "text");
    /* A working directory goes along. */
    GIVES(0, vfs_chdir(names_at, NULL, "q/d"));
    GIVES(0, move("../../q/d", "/p/d"));
    IS("f", "text");
    assert_int_equal(stat_of("..").number, stat_of("/p").number);
    GIVES(0, vfs_chdir(names_at, NULL, "/"));
    GIVES(0, move("p/d", "d"));
    assert_int_equal(stat_of("d/..").number, stat_of("/").number);
    assert_int_equal(stat_of(".").links, links + 3);
    names_remove("d/f");
    names_remove("d");
    names_remove("p");
    names_remove("q");
    assert_int_equal(stat_of(".").links, links);
}

void case_rename_replaces(void)
{
    struct file *file;
    char bytes[8];
    struct cursor cursor = cursor_kernel(bytes, sizeof(bytes));

    names_write("a", "new");
    names_write("b", "old");
    GIVES(0, vfs_link(names_at, NULL, "b", NULL, "also-b"));
    GIVES(0, vfs_open(names_at, NULL, "b", OPEN_READ, &file));
    GIVES(0, move("a", "b"));
    GIVES(-ENOENT, status("a"));
    IS("b", "new");
    IS("also-b", "old");
    assert_int_equal(stat_of("also-b").links, 1);
    names_write("c", "third");
    GIVES(0, move("c", "also-b"));
    IS("also-b", "third");
    /* What is open lives on without a name. */
    assert_int_equal(file_read(file, &cursor), 3);
    assert_memory_equal(bytes, "old", 3);
    file_put(file);
    /* Two names of one inode both stay. */
    GIVES(0, vfs_link(names_at, NULL, "b", NULL, "again"));
    GIVES(0, move("b", "again"));
    assert_int_equal(stat_of("b").links, 2);
    IS("again", "new");
    names_remove("again");

    GIVES(0, make("p"));
    GIVES(0, make("p/d"));
    GIVES(0, make("p/empty"));
    GIVES(0, make("q"));
    GIVES(0, make("q/empty"));
    names_write("p/d/f", "text");
    GIVES(0, move("p/d", "q/empty"));
    assert_int_equal(stat_of("p").links, 3);
    assert_int_equal(stat_of("q").links, 3);
    IS("q/empty/f", "text");
    GIVES(0, vfs_chdir(names_at, NULL, "p/empty"));
    GIVES(0, move("/q/empty", "/p/empty"));
    GIVES(-ENOENT, make("nothing-is-made-in-what-is-gone"));
    assert_int_equal(stat_of("..").number, stat_of("/p").number);
    GIVES(0, vfs_chdir(names_at, NULL, "/"));
    assert_int_equal(stat_of("p").links, 3);
    assert_int_equal(stat_of("q").links, 2);
    IS("p/empty/f", "text");
    /* In one directory. */
    GIVES(0, make("p/e"));
    GIVES(0, move("p/empty", "p/e"));
    assert_int_equal(stat_of("p").links, 3);
    names_remove("p/e/f");
    names_remove("p/e");
    names_remove("p");
    names_remove("q");
    names_remove("b");
    names_remove("also-b");
}

void case_rename_refused(void)
{
    char name[258];

    memset(name, 'n', 256);
    name[256] = '\0';
    names_write("f", "f");
    GIVES(0, make("d"));
    GIVES(0, make("d/in"));
    GIVES(0, make("d/in/in"));
    GIVES(-EISDIR, move("f", "d"));
    GIVES(-EISDIR, move("f", "d/in/in"));
    GIVES(-ENOTDIR, move("d/in/in", "f"));
    GIVES(-ENOTEMPTY, move("d/in/in", "d"));
    GIVES(-ENOTEMPTY, move("d/in/in", "d/in"));
    GIVES(-EINVAL, move("d", "d/d"));
    GIVES(-EINVAL, move("d", "d/in"));
    GIVES(-EINVAL, move("d", "d/in/in/d"));
    GIVES(-ENOENT, move("nothing", "g"));
    GIVES(-ENOENT, move("f", "nothing/g"));
    GIVES(-ENOENT, move("", "g"));
    GIVES(-ENOENT, move("f", ""));
    GIVES(-ENOTDIR, move("f/g", "h"));
    GIVES(-ENOTDIR, move("f", "f/g"));
    GIVES(-EINVAL, move("d/.", "e"));
    GIVES(-EINVAL, move("d/in/..", "e"));
    GIVES(-EINVAL, move("d/in", "d/."));
    GIVES(-EINVAL, move("f", ".."));
    GIVES(-EBUSY, move("/", "e"));
    GIVES(-EBUSY, move("d", "/"));
    GIVES(-ENAMETOOLONG, move("f", name));
    IS("f", "f");
    assert_int_equal(stat_of("d/in/in/..").number, stat_of("d/in").number);
    /* What was to be replaced is alive. */
    names_write("d/in/in/g", "g");
    names_remove("d/in/in/g");
    names_remove("d/in/in");
    names_remove("d/in");
    names_remove("d");
    names_remove("f");
}

/* Relative paths begin where they are told to; absolute ones do not care. */
void case_start_elsewhere(void)
{
    struct file *directory, *file;
    struct file_stat stat;
    struct inode *at;

    GIVES(0, make("d"));
    GIVES(0, vfs_open(names_at, NULL, "d", OPEN_READ, &directory));
    at = directory->inode;
    GIVES(0, vfs_mkdir(names_at, at, "sub"));
    GIVES(0, vfs_open(names_at, at, "sub/f", OPEN_CREATE, &file));
    GIVES(0, status("d/sub/f"));
    GIVES(-ENOTDIR, vfs_mkdir(names_at, file->inode, "x"));
    file_put(file);
    GIVES(0, vfs_link(names_at, at, "sub/f", NULL, "f"));
    GIVES(0, vfs_rename(names_at, NULL, "f", at, "g"));
    GIVES(0, vfs_symlink(names_at, "g", at, "l"));
    GIVES(0, vfs_stat(names_at, at, "l", true, &stat));
    assert_int_equal(stat.number, stat_of("d/g").number);
    GIVES(0, vfs_stat(names_at, at, "/d/g", false, &stat));
    GIVES(0, vfs_unlink(names_at, at, "l"));
    GIVES(0, vfs_unlink(names_at, at, "g"));
    GIVES(0, vfs_remove(names_at, at, "sub/f"));
    GIVES(0, vfs_rmdir(names_at, at, "sub"));
    GIVES(0, vfs_rmdir(names_at, at, "../d"));
    file_put(directory);
}

/* ---- Symbolic links ------------------------------------------------------ */

void case_links_followed(void)
{
    GIVES(0, make("d"));
    GIVES(0, make("d/e"));
    names_write("d/f", "text");
    GIVES(0, symlink_to("d/f", "relative"));
    GIVES(0, symlink_to("/d", "absolute"));
    GIVES(0, symlink_to("../f", "d/e/up"));
    GIVES(0, symlink_to("absolute/e", "two"));
    GIVES(0, symlink_to("d/e/", "slash"));
    GIVES(0, symlink_to("/", "root"));
    IS("relative", "text");
    IS("absolute/f", "text");
    IS("absolute/e/up", "text");
    IS("two/up", "text");
    IS("slash/up", "text");
    IS("/root/two/../f", "text");
    IS("relative/", "text");
    GIVES(-ENOTDIR, status("relative/x"));
    assert_int_equal(stat_of("two/.").number, stat_of("d/e").number);
    GIVES(0, vfs_chdir(names_at, NULL, "two"));
    IS("up", "text");
    GIVES(0, vfs_chdir(names_at, NULL, "/"));
    /* What is made through a link is made where it leads. */
    names_write("absolute/g", "g");
    IS("d/g", "g");
    GIVES(0, symlink_to("d/new", "dangling"));
    GIVES(-ENOENT, names_open("dangling"));
    names_write("dangling", "made");
    IS("d/new", "made");
    GIVES(0, move("two/up", "absolute/moved"));
    assert_true(names_leads_to("d/moved", "../f"));
    names_remove("d/moved");
    names_remove("d/g");
    names_remove("d/new");
    names_remove("dangling");
    names_remove("root");
    names_remove("slash");
    names_remove("two");
    names_remove("absolute");
    names_remove("relative");
    names_remove("d/f");
    names_remove("d/e");
    names_remove("d");
}

/* The verbs that mean the link itself. */
void case_links_kept(void)
{
    names_write("f", "text");
    GIVES(0, make("d"));
    GIVES(0, symlink_to("f", "l"));
    GIVES(0, symlink_to("d", "to-d"));
    assert_int_equal(stat_of("l").type, INODE_LINK);
    assert_int_equal(stat_of("l").size, 1);
    assert_int_equal(stat_of("l").links, 1);
    GIVES(0, vfs_link(names_at, NULL, "l", NULL, "d/l"));
    assert_int_equal(stat_of("l").links, 2);
    assert_int_equal(stat_of("f").links, 1);
    GIVES(-ENOENT, names_open("d/l"));
    GIVES(0, move("d/l", "m"));
    GIVES(0, move("l", "m")); /* two names of one link */
    IS("m", "text");
    GIVES(-EEXIST, make("l"));
    GIVES(-EEXIST, symlink_to("x", "l"));
    GIVES(-EEXIST, vfs_mknod(names_at, NULL, "l", 1, 1));
    GIVES(-EEXIST, vfs_link(names_at, NULL, "f", NULL, "l"));
    GIVES(-ENOTDIR, vfs_rmdir(names_at, NULL, "to-d"));
    GIVES(-ENOTDIR, move("d", "to-d"));
    GIVES(0, move("to-d", "l"));
    assert_true(names_leads_to("l", "d"));
    assert_true(names_leads_to("m", "f"));
    names_remove("l");
    names_remove("m");
    IS("f", "text");
    names_remove("f");
    names_remove("d");
}

void case_links_refused(void)
{
    char name[20], target[20];

    GIVES(0, symlink_to("loop", "loop"));
    GIVES(-ELOOP, names_open("loop"));
    GIVES(-ELOOP, status("loop/x"));
    GIVES(-ELOOP, make("loop/x"));
    names_remove("loop");
    names_write("l0", "end");
    for (unsigned i = 1; i <= LINKS_FOLLOWED + 1; i++) {
        snprintf(name, sizeof(name), "l%u", i);
        snprintf(target, sizeof(target), "l%u", i - 1);
        GIVES(0, symlink_to(target, name));
    }
    snprintf(name, sizeof(name), "l%u", LINKS_FOLLOWED);
    IS(name, "end");
    snprintf(name, sizeof(name), "l%u", LINKS_FOLLOWED + 1);
    GIVES(-ELOOP, names_open(name));
    for (unsigned i = 0; i <= LINKS_FOLLOWED + 1; i++) {
        snprintf(name, sizeof(name), "l%u", i);
        names_remove(name);
    }
    GIVES(-ENOENT, symlink_to("", "l"));
    GIVES(-ENOENT, symlink_to("x", "nothing/l"));
    GIVES(-ENOENT, symlink_to("x", ""));
    GIVES(-EEXIST, symlink_to("x", "."));
    GIVES(0, make("d"));
    assert_false(names_leads_to("d", ""));
    GIVES(-EINVAL, vfs_read_link(names_at, NULL, "d", &(struct cursor){0}));
    GIVES(-ENOENT, vfs_read_link(names_at, NULL, "x", &(struct cursor){0}));
    names_remove("d");
}

/* Targets as long as any file system here can have: 59 bytes fit an inode of
 * ext2, 1023 a block. */
void case_links_of_any_length(void)
{
    static const size_t lengths[] = {1, 2, 58, 59, 60, 61, 500, 1022, 1023};
    static char target[1024], room[10];
    struct cursor cursor = cursor_kernel(room, sizeof(room));

    names_write("f", "text");
    for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        memset(target, '/', sizeof(target));
        target[lengths[i] - 1] = 'f';
        target[lengths[i]] = '\0';
        GIVES(0, symlink_to(target, "l"));
        assert_int_equal(stat_of("l").size, lengths[i]);
        assert_true(names_leads_to("l", target));
        IS("l", "text");
        if (lengths[i] == 500)
            assert_int_equal(vfs_read_link(names_at, NULL, "l", &cursor), 10);
        names_remove("l");
    }
    assert_memory_equal(room, "//////////", 10);
    names_remove("f");
}

/* ---- ".." of a removed directory ----------------------------------------- */

void case_f12_parent_of_removed(void)
{
    uint64_t number;

    GIVES(0, make("a"));
    GIVES(0, make("a/b"));
    number = stat_of("a").number;
    GIVES(0, vfs_chdir(names_at, NULL, "a/b"));
    names_remove("../b");
    GIVES(0, status("."));
    assert_int_equal(stat_of("..").number, number);
    GIVES(-ENOENT, make("c"));
    GIVES(-ENOENT, make("../b/c"));
    /* Its parent lives on with it. */
    names_remove("/a");
    GIVES(0, make("/x"));
    assert_int_equal(stat_of("..").number, number);
    assert_int_equal(stat_of("../..").number, stat_of("/").number);
    GIVES(0, vfs_chdir(names_at, NULL, ".."));
    GIVES(-ENOENT, make("c"));
    GIVES(0, vfs_chdir(names_at, NULL, ".."));
    assert_int_equal(stat_of(".").number, stat_of("/").number);
    names_remove("x");
}
