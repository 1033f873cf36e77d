/*
 * rename within and between two large directories, which have an index of their
 * names: what is where is compared with an array.
 */
#include "host/fs/names_cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "lib/errno.h"

#define NAMES   320 /* of each directory; not all are there */
#define RENAMES 3000

/* Numbers of the inodes that have the names; 0: none has. */
static uint64_t numbers[2][NAMES];
static bool is_directory[2][NAMES];

bool (*names_is_indexed)(struct inode *directory);

/* From 10 to 109 bytes, so that a record often fits where another was. */
static const char *path_of(unsigned directory, unsigned i)
{
    static char paths[2][130];
    static unsigned turn;
    char *path = paths[turn++ % 2];

    sprintf(path, "d%u/%0*u", directory, 10 + (int)(i * 37 % 100), i);
    return path;
}

static uint64_t number_of(const char *path)
{
    struct file_stat stat;
    int result = vfs_stat(names_at, NULL, path, false, &stat);

    if (result)
        assert_int_equal(result, -ENOENT);
    return result ? 0 : stat.number;
}

static void check_indexed(unsigned directory)
{
    char path[] = {'d', (char)('0' + directory), '\0'};
    struct inode *inode = NULL, *root = names_at->root;

    mutex_lock(&root->mutex);
    assert_int_equal(root->ops->lookup(root, (struct name){path, 2}, &inode),
                     0);
    mutex_unlock(&root->mutex);
    assert_true(names_is_indexed(inode));
    inode_put(inode);
}

static void make_directory(unsigned directory)
{
    char path[] = {'d', (char)('0' + directory), '\0'};

    assert_int_equal(vfs_mkdir(names_at, NULL, path), 0);
    for (unsigned i = 0; i < NAMES; i++) {
        const char *name = path_of(directory, i);

        is_directory[directory][i] = i % 8 == 0;
        if (i % 8 == 0)
            assert_int_equal(vfs_mkdir(names_at, NULL, name), 0);
        else
            names_write(name, "");
        numbers[directory][i] = number_of(name);
    }
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(number_of(directory ? "d1/none" : "d0/none"), 0);
    check_indexed(directory);
}

/* What it gives to rename one name to another. */
static int expected(unsigned from, unsigned i, unsigned to, unsigned j)
{
    if (!numbers[from][i])
        return -ENOENT;
    if (!numbers[to][j] || is_directory[from][i] == is_directory[to][j])
        return 0;
    return is_directory[from][i] ? -ENOTDIR : -EISDIR;
}

static void rename_one(unsigned from, unsigned i, unsigned to, unsigned j)
{
    int result = expected(from, i, to, j);

    assert_int_equal(
        vfs_rename(names_at, NULL, path_of(from, i), NULL, path_of(to, j)),
        result);
    if (!result && (from != to || i != j)) {
        numbers[to][j] = numbers[from][i];
        is_directory[to][j] = is_directory[from][i];
        numbers[from][i] = 0;
    }
    assert_int_equal(number_of(path_of(from, i)), numbers[from][i]);
    assert_int_equal(number_of(path_of(to, j)), numbers[to][j]);
}

/* What does not lie there any more is made again, so that they stay large. */
static void make_again(unsigned directory, unsigned i)
{
    if (numbers[directory][i])
        return;
    names_write(path_of(directory, i), "");
    numbers[directory][i] = number_of(path_of(directory, i));
    is_directory[directory][i] = false;
}

static void check_all(unsigned directory)
{
    char up[140];

    for (unsigned i = 0; i < NAMES; i++) {
        const char *path = path_of(directory, i);

        assert_int_equal(number_of(path), numbers[directory][i]);
        if (!numbers[directory][i])
            continue;
        if (is_directory[directory][i]) {
            sprintf(up, "%s/..", path);
            assert_int_equal(number_of(up), number_of(directory ? "d1" : "d0"));
        }
        names_remove(path);
    }
    names_remove(directory ? "d1" : "d0");
}

static unsigned pick(unsigned below)
{
    static uint32_t random = 1;

    random = random * 1664525 + 1013904223;
    return (random >> 8) % below;
}

void case_rename_in_large(void)
{
    make_directory(0);
    make_directory(1);
    for (unsigned n = 0; n < RENAMES; n++) {
        rename_one(pick(2), pick(NAMES), pick(2), pick(NAMES));
        make_again(pick(2), pick(NAMES));
    }
    check_indexed(0);
    check_indexed(1);
    check_all(0);
    check_all(1);
}
