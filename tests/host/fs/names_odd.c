/*
 * Names and renames that are seldom: the longest names, slashes where there is
 * no need for one, links in the middle of what is renamed, a rename while a
 * directory is read.
 */
#include "host/fs/names_cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "lib/errno.h"
#include "vfs/namei.h"

#define GIVES(result, call) assert_int_equal(call, result)

static int move(const char *old, const char *new)
{
    return vfs_rename(names_at, NULL, old, NULL, new);
}

void case_longest_names(void)
{
    char first[NAME_LIMIT + 2], last[NAME_LIMIT + 2], inner[2 * NAME_LIMIT + 3];

    memset(first, 'a', NAME_LIMIT + 1);
    first[NAME_LIMIT + 1] = '\0';
    GIVES(-ENAMETOOLONG, vfs_mkdir(names_at, NULL, first));
    GIVES(-ENAMETOOLONG, names_open(first));
    first[NAME_LIMIT] = '\0';
    memcpy(last, first, NAME_LIMIT + 1);
    last[NAME_LIMIT - 1] = 'b';
    memcpy(inner, first, NAME_LIMIT);
    inner[NAME_LIMIT] = '/';
    memcpy(inner + NAME_LIMIT + 1, last, NAME_LIMIT + 1);
    GIVES(0, vfs_mkdir(names_at, NULL, first));
    names_write(last, "text");
    GIVES(0, move(last, inner));
    GIVES(-ENOENT, names_open(last));
    GIVES(0, vfs_symlink(names_at, inner, NULL, last));
    assert_true(names_has(last, "text"));
    GIVES(-EISDIR, move(last, first));
    GIVES(0, move(last, "l"));
    GIVES(0, move("l", inner));
    assert_true(names_leads_to(inner, inner));
    names_remove(inner);
    names_remove(first);
}

/* As xv6, Calf takes no notice of slashes at the end. */
void case_slashes(void)
{
    GIVES(0, vfs_mkdir(names_at, NULL, "d//"));
    GIVES(0, vfs_mkdir(names_at, NULL, "//d///e/"));
    names_write("f", "text");
    GIVES(0, move("d/e/", "e//"));
    GIVES(0, move("e/", "d/e"));
    GIVES(-EINVAL, move("d/", "d/e/"));
    GIVES(-EISDIR, move("f/", "d/"));
    GIVES(0, move("f/", "d///e//g/"));
    assert_true(names_has("d/e/g", "text"));
    GIVES(-EBUSY, move("//", "x"));
    names_remove("d/e/g//");
    names_remove("d/e/");
    names_remove("d/");
}

/* Links on the way are followed, those at the end are not. */
void case_rename_through_links(void)
{
    GIVES(0, vfs_mkdir(names_at, NULL, "d"));
    GIVES(0, vfs_mkdir(names_at, NULL, "d/e"));
    GIVES(0, vfs_symlink(names_at, "d/e", NULL, "l"));
    GIVES(0, vfs_symlink(names_at, "none", NULL, "dangling"));
    names_write("l/f", "text");
    /* A directory into itself, by another way. */
    GIVES(-EINVAL, move("d", "l/d"));
    GIVES(-EINVAL, move("d/e", "l/x"));
    GIVES(0, move("l/f", "d/f"));
    assert_true(names_has("d/f", "text"));
    /* What a link leads to may be gone by the rename. */
    GIVES(0, move("d/e", "e"));
    GIVES(-ENOENT, names_open("l/f"));
    GIVES(-ENOENT, move("e", "l/../x"));
    GIVES(-ENOENT, vfs_mkdir(names_at, NULL, "dangling/d"));
    GIVES(-EEXIST, vfs_mkdir(names_at, NULL, "dangling"));
    GIVES(0, move("d/f", "dangling"));
    assert_true(names_has("dangling", "text"));
    names_remove("dangling");
    names_remove("l");
    names_remove("e");
    names_remove("d");
}

/* ---- While a directory is read ------------------------------------------- */

#define LISTED 60

/* The next name after *slot: its number, -1 if it has none; -2: no more. */
static int list_next(struct inode *directory, uint64_t *slot)
{
    struct directory_entry entry;
    int result, number = -1;

    mutex_lock(&directory->mutex);
    result = directory->ops->read_directory(directory, slot, &entry);
    mutex_unlock(&directory->mutex);
    (*slot)++;
    if (result <= 0)
        return -2;
    sscanf(entry.name, "n%d", &number);
    return number;
}

/* If it is there; *format has a number in it. */
static void remove_any(const char *format, unsigned number)
{
    char name[80];

    snprintf(name, sizeof(name), format, number);
    (void)vfs_unlink(names_at, NULL, name);
}

/* Whatever is renamed in it, from it and to it: a name that stays is read
 * once. */
void case_rename_while_listed(void)
{
    unsigned times[LISTED] = {0};
    struct inode *directory;
    uint64_t slot = 0;
    char name[40], other[80];
    int number;

    GIVES(0, vfs_mkdir(names_at, NULL, "d"));
    GIVES(0, vfs_mkdir(names_at, NULL, "e"));
    for (unsigned i = 0; i < LISTED; i++) {
        sprintf(name, "d/n%u", i);
        names_write(name, "");
    }
    GIVES(0, namei(names_at, NULL, "d", &(struct want){.follow = true},
                   &directory));
    for (unsigned i = 0; (number = list_next(directory, &slot)) != -2; i++) {
        assert_true(i < 4 * LISTED);
        if (number >= 0)
            times[number]++;
        /* Some that have been read, and some that have not. */
        sprintf(name, "d/n%u", (i * 7 % LISTED) | 1);
        sprintf(other, i % 3 ? "d/another-name-that-is-longer%u" : "e/n%u", i);
        (void)move(name, other);
        if (i % 3 == 0)
            (void)move(other, "d/back");
    }
    inode_put(directory);
    for (unsigned i = 0; i < LISTED; i++) {
        assert_in_range(times[i], i % 2 ? 0 : 1, 1);
        remove_any("d/n%u", i);
        remove_any("d/another-name-that-is-longer%u", i);
        remove_any("e/n%u", i);
    }
    names_remove("d/back");
    names_remove("e");
    names_remove("d");
}
