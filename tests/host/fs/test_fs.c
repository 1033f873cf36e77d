/*
 * Paths, names, directories, link counts, file contents and mounts, on the RAM
 * file system; running out of memory at every allocation; descriptors.
 */
/* sources: kernel/vfs/vfs.c kernel/vfs/tree.c kernel/vfs/name_index.c */
/* sources: kernel/vfs/namei.c kernel/vfs/inode.c */
/* sources: kernel/vfs/file.c kernel/vfs/file_table.c */
/* sources: kernel/fs/journal/radix.c kernel/vfs/contents.c */
/* sources: kernel/fs/ram/[a-z]*.c */
/* sources: kernel/fs/dev/devfs.c kernel/lib/panic.c kernel/lib/printf.c */
/* sources: tests/host/fs/stubs.c */
/* flags: -include tests/host/fs/hal.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/dev/devfs.h"
#include "vfs/file.h"
#include "fs/journal/radix.h"
#include "fs/ram/ramfs.h"
#include "mm/reserve.h"
#include "host/fs/stubs.h"
#include "lib/errno.h"
#include "host/lib/seed.h"

#define PAGE_LIMIT 1600

static struct fs_context at;

/* Objects and frames before a test, to be the same after it. */
static long objects_before, frames_before;

static int start(void **state)
{
    struct superblock *root;

    (void)state;
    if (ramfs_make("ramfs", PAGE_LIMIT, &root))
        return -1;
    fs_context_init(&at, root->root, inode_get(root->root), NULL);
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

static void touch(const char *path)
{
    struct file *file;

    assert_int_equal(vfs_open(&at, NULL, path, OPEN_CREATE | OPEN_WRITE, &file),
                     0);
    file_put(file);
}

static struct file_stat stat_of(const char *path)
{
    struct file_stat stat = {0};

    assert_int_equal(vfs_stat(&at, NULL, path, true, &stat), 0);
    return stat;
}

static int status(const char *path)
{
    struct file_stat stat;

    return vfs_stat(&at, NULL, path, true, &stat);
}

static ssize_t put_text(struct file *file, const char *text)
{
    struct cursor cursor = cursor_kernel(text, strlen(text));

    return file_write(file, &cursor);
}

/* ---- Paths --------------------------------------------------------------- */

static void test_paths(void **state)
{
    uint64_t root = stat_of("/").number, directory;
    char name[300];

    (void)state;
    assert_int_equal(vfs_mkdir(&at, NULL, "/d"), 0);
    assert_int_equal(vfs_mkdir(&at, NULL, "d/e/"), 0);
    touch("/d/f");
    directory = stat_of("d").number;
    assert_int_equal(status(""), -ENOENT);
    assert_int_equal(status("/nothing"), -ENOENT);
    assert_int_equal(status("/nothing/f"), -ENOENT);
    assert_int_equal(status("/d/f/x"), -ENOTDIR);
    assert_int_equal(status("/d/f/."), -ENOTDIR);
    assert_int_equal(status("/d/f/.."), -ENOTDIR);
    assert_int_equal(stat_of("//").number, root);
    assert_int_equal(stat_of("..").number, root);
    assert_int_equal(stat_of("/../../d").number, directory);
    assert_int_equal(stat_of("d/./e/..//").number, directory);
    assert_int_equal(vfs_chdir(&at, NULL, "d/e"), 0);
    assert_int_equal(stat_of(".").number, stat_of("/d/e").number);
    assert_int_equal(stat_of("../f").number, stat_of("/d/f").number);
    assert_int_equal(vfs_chdir(&at, NULL, "../f"), -ENOTDIR);
    assert_int_equal(vfs_chdir(&at, NULL, "../../.."), 0);
    assert_int_equal(stat_of(".").number, root);

    memset(name, 'n', sizeof(name));
    name[255] = '\0';
    touch(name);
    assert_int_equal(vfs_unlink(&at, NULL, name), 0);
    name[255] = 'n';
    name[256] = '\0';
    assert_int_equal(status(name), -ENAMETOOLONG);
    assert_int_equal(vfs_mkdir(&at, NULL, name), -ENAMETOOLONG);
    name[256] = '/';
    name[257] = '\0';
    assert_int_equal(status(name), -ENAMETOOLONG);

    assert_int_equal(vfs_unlink(&at, NULL, "d/f"), 0);
    assert_int_equal(vfs_rmdir(&at, NULL, "d/e"), 0);
    assert_int_equal(vfs_rmdir(&at, NULL, "d"), 0);
}

static void test_opening(void **state)
{
    struct file *file;

    (void)state;
    assert_int_equal(vfs_mkdir(&at, NULL, "d"), 0);
    assert_int_equal(vfs_mkdir(&at, NULL, "d"), -EEXIST);
    assert_int_equal(vfs_mkdir(&at, NULL, "/"), -EEXIST);
    assert_int_equal(vfs_mkdir(&at, NULL, "d/."), -EEXIST);
    assert_int_equal(vfs_open(&at, NULL, "d", OPEN_WRITE, &file), -EISDIR);
    assert_int_equal(vfs_open(&at, NULL, "d", OPEN_CREATE, &file), -EISDIR);
    assert_int_equal(vfs_open(&at, NULL, "/", OPEN_CREATE, &file), -EISDIR);
    assert_int_equal(vfs_open(&at, NULL, "d", OPEN_READ | OPEN_TRUNCATE, &file),
                     -EISDIR);
    assert_int_equal(vfs_open(&at, NULL, "", OPEN_CREATE, &file), -ENOENT);
    assert_int_equal(vfs_open(&at, NULL, "f", OPEN_READ, &file), -ENOENT);
    assert_int_equal(vfs_mknod(&at, NULL, "n", 31, 7), 0);
    assert_int_equal(vfs_open(&at, NULL, "n", OPEN_READ, &file), -ENODEV);
    assert_int_equal(vfs_mknod(&at, NULL, "m", 40000, 7), 0);
    assert_int_equal(vfs_open(&at, NULL, "m", OPEN_READ, &file), -ENODEV);
    assert_int_equal(stat_of("m").type, INODE_DEVICE);
    assert_int_equal(stat_of("m").major, 40000);
    assert_int_equal(vfs_open(&at, NULL, "d", OPEN_READ, &file), 0);
    assert_true(file_is_directory(file));
    assert_int_equal(file_read(file, &(struct cursor){.left = 1}), -EISDIR);
    assert_int_equal(file_write(file, &(struct cursor){.left = 1}), -EBADF);
    file_put(file);
    assert_int_equal(vfs_unlink(&at, NULL, "n"), 0);
    assert_int_equal(vfs_unlink(&at, NULL, "m"), 0);
    assert_int_equal(vfs_remove(&at, NULL, "d"), 0);
}

/* ---- Names --------------------------------------------------------------- */

static void test_links(void **state)
{
    (void)state;
    assert_int_equal(vfs_mkdir(&at, NULL, "d"), 0);
    touch("f");
    assert_int_equal(stat_of("f").links, 1);
    assert_int_equal(vfs_link(&at, NULL, "f", NULL, "d/g"), 0);
    assert_int_equal(vfs_link(&at, NULL, "f", NULL, "d/g"), -EEXIST);
    assert_int_equal(vfs_link(&at, NULL, "f", NULL, "d/.."), -EEXIST);
    assert_int_equal(vfs_link(&at, NULL, "d", NULL, "e"), -EPERM);
    assert_int_equal(vfs_link(&at, NULL, "none", NULL, "e"), -ENOENT);
    assert_int_equal(vfs_link(&at, NULL, "f", NULL, "none/e"), -ENOENT);
    assert_int_equal(vfs_link(&at, NULL, "f", NULL, ""), -ENOENT);
    assert_int_equal(stat_of("d/g").links, 2);
    assert_int_equal(stat_of("d/g").number, stat_of("f").number);
    assert_int_equal(vfs_unlink(&at, NULL, "f"), 0);
    assert_int_equal(vfs_unlink(&at, NULL, "f"), -ENOENT);
    assert_int_equal(stat_of("d/g").links, 1);
    assert_int_equal(vfs_unlink(&at, NULL, "d/g"), 0);
    assert_int_equal(vfs_rmdir(&at, NULL, "d"), 0);
}

static void test_removing(void **state)
{
    uint32_t links = stat_of("/").links;

    (void)state;
    assert_int_equal(vfs_mkdir(&at, NULL, "d"), 0);
    assert_int_equal(vfs_mkdir(&at, NULL, "d/e"), 0);
    touch("d/f");
    assert_int_equal(stat_of("/").links, links + 1);
    assert_int_equal(stat_of("d").links, 3);
    assert_int_equal(vfs_remove(&at, NULL, "d"), -ENOTEMPTY);
    assert_int_equal(vfs_unlink(&at, NULL, "d/e"), -EISDIR);
    assert_int_equal(vfs_rmdir(&at, NULL, "d/f"), -ENOTDIR);
    assert_int_equal(vfs_remove(&at, NULL, "."), -EINVAL);
    assert_int_equal(vfs_remove(&at, NULL, "d/."), -EINVAL);
    assert_int_equal(vfs_remove(&at, NULL, "d/e/.."), -ENOTEMPTY);
    assert_int_equal(vfs_remove(&at, NULL, "/"), -EBUSY);
    assert_int_equal(vfs_remove(&at, NULL, ""), -ENOENT);
    assert_int_equal(vfs_remove(&at, NULL, "d/e"), 0);
    assert_int_equal(stat_of("d").links, 2);
    assert_int_equal(vfs_remove(&at, NULL, "d/f"), 0);
    assert_int_equal(vfs_remove(&at, NULL, "d"), 0);
    assert_int_equal(stat_of("/").links, links);
}

/* A removed working directory: nothing in it, nothing new, and a way out. */
static void test_dead_directory(void **state)
{
    struct file_stat stat;
    struct file *file;

    (void)state;
    assert_int_equal(vfs_mkdir(&at, NULL, "d"), 0);
    assert_int_equal(vfs_mkdir(&at, NULL, "d/e"), 0);
    touch("f");
    assert_int_equal(vfs_chdir(&at, NULL, "d/e"), 0);
    assert_int_equal(vfs_remove(&at, NULL, "../e"), 0);
    assert_int_equal(vfs_remove(&at, NULL, "../../d"), 0);
    assert_int_equal(status("x"), -ENOENT);
    assert_int_equal(vfs_mkdir(&at, NULL, "x"), -ENOENT);
    assert_int_equal(vfs_open(&at, NULL, "x", OPEN_CREATE, &file), -ENOENT);
    assert_int_equal(vfs_link(&at, NULL, "/f", NULL, "x"), -ENOENT);
    assert_int_equal(vfs_stat(&at, NULL, ".", true, &stat), 0);
    assert_int_equal(stat.links, 0);
    assert_int_equal(vfs_chdir(&at, NULL, "../.."), 0);
    assert_int_equal(vfs_remove(&at, NULL, "f"), 0);
}

static void *put_inode(void *inode)
{
    inode_put(inode);
    return NULL;
}

/* Give up a reference on a stack about as small as the kernel's. */
static void put_on_small_stack(struct inode *inode)
{
    pthread_attr_t small;
    pthread_t thread;

    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 64 << 10);
    assert_int_equal(pthread_create(&thread, &small, put_inode, inode), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&small);
}

/* Directories without names that only their children hold: the last reference
 * to the deepest frees them all, and not by recursion. */
static void test_dead_chain(void **state)
{
    enum { DEPTH = 1500 };
    struct inode **held = malloc(DEPTH * sizeof(*held));

    (void)state;
    for (int i = 0; i < DEPTH; i++) {
        assert_int_equal(vfs_mkdir(&at, NULL, "d"), 0);
        assert_int_equal(vfs_chdir(&at, NULL, "d"), 0);
        held[i] = inode_get(at.cwd);
    }
    for (int i = 0; i < DEPTH; i++) {
        assert_int_equal(vfs_chdir(&at, NULL, ".."), 0);
        assert_int_equal(vfs_rmdir(&at, NULL, "d"), 0);
    }
    for (int i = 0; i < DEPTH; i++) {
        assert_true(stub_objects > objects_before);
        put_on_small_stack(held[i]);
    }
    free(held);
}

/* ---- Directories --------------------------------------------------------- */

struct listing {
    unsigned slots, used, bytes; /* slots: that begin in what was read */
    char last[NAME_LIMIT + 1];
};

static char last_name[NAME_LIMIT + 1];

/* Each byte says whether the slot is in use. */
static void encode(const struct directory_entry *entry,
                   char record[DIRECTORY_SLOT_SIZE])
{
    memset(record, entry->number != 0, DIRECTORY_SLOT_SIZE);
    strcpy(last_name, entry->name);
}

static struct listing list_part(struct file *file, unsigned limit)
{
    static char records[1 << 16];
    struct cursor cursor = cursor_kernel(records, limit);
    unsigned at = -file->offset % DIRECTORY_SLOT_SIZE;
    ssize_t length = file_read_directory(file, &cursor, encode);
    struct listing listing = {.bytes = length};

    assert_int_equal(length, limit - cursor.left);
    for (; at < length; at += DIRECTORY_SLOT_SIZE) {
        listing.slots++;
        listing.used += records[at];
    }
    strcpy(listing.last, last_name);
    return listing;
}

static struct listing list(const char *path)
{
    struct listing listing;
    struct file *file;

    assert_int_equal(vfs_open(&at, NULL, path, OPEN_READ, &file), 0);
    listing = list_part(file, 1u << 16);
    file_put(file);
    return listing;
}

static void test_slots(void **state)
{
    char name[32];

    (void)state;
    assert_int_equal(vfs_mkdir(&at, NULL, "d"), 0);
    assert_int_equal(list("d").slots, 2);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "d/name%d", i);
        touch(name);
    }
    assert_int_equal(list("d").used, 1002);
    assert_int_equal(stat_of("d").size, 1002 * 16);
    assert_int_equal(vfs_unlink(&at, NULL, "d/name500"), 0);
    assert_int_equal(vfs_unlink(&at, NULL, "d/name7"), 0);
    assert_int_equal(list("d").slots, 1002);
    assert_int_equal(list("d").used, 1000);
    touch("d/a");
    touch("d/b");
    assert_int_equal(list("d").used, 1002);
    touch("d/c");
    assert_int_equal(list("d").slots, 1003);
    assert_string_equal(list("d").last, "c");
    assert_int_equal(status("d/name500"), -ENOENT);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "d/name%d", i);
        if (i != 7 && i != 500)
            assert_int_equal(vfs_unlink(&at, NULL, name), 0);
    }
    assert_int_equal(vfs_rmdir(&at, NULL, "d"), -ENOTEMPTY);
    assert_int_equal(vfs_unlink(&at, NULL, "d/a"), 0);
    assert_int_equal(vfs_unlink(&at, NULL, "d/b"), 0);
    assert_int_equal(vfs_unlink(&at, NULL, "d/c"), 0);
    assert_int_equal(vfs_rmdir(&at, NULL, "d"), 0);
}

static void test_reading_slots(void **state)
{
    struct cursor refusing = cursor_user(4096, 100);
    struct listing part;
    struct file *file;

    (void)state;
    assert_int_equal(vfs_mkdir(&at, NULL, "d"), 0);
    touch("d/x");
    assert_int_equal(vfs_open(&at, NULL, "d", OPEN_READ, &file), 0);
    stub_fault_from = 4096;
    assert_int_equal(file_read_directory(file, &refusing, encode), -EFAULT);
    stub_fault_from = UINT64_MAX;
    part = list_part(file, 16);
    assert_string_equal(part.last, ".");
    part = list_part(file, 7);
    assert_string_equal(part.last, "..");
    part = list_part(file, 9);
    assert_int_equal(part.slots, 0);
    assert_int_equal(part.bytes, 9);
    part = list_part(file, 4000);
    assert_int_equal(part.slots, 1);
    assert_string_equal(part.last, "x");
    assert_int_equal(list_part(file, 4000).bytes, 0);
    file_put(file);
    assert_int_equal(vfs_open(&at, NULL, "d/x", OPEN_READ, &file), 0);
    assert_int_equal(file_read_directory(file, &refusing, encode), -ENOTDIR);
    file_put(file);
    assert_int_equal(vfs_unlink(&at, NULL, "d/x"), 0);
    assert_int_equal(vfs_rmdir(&at, NULL, "d"), 0);
}

/* ---- Contents ------------------------------------------------------------ */

#define MODEL_SIZE (300 * 4096)
static uint8_t model[MODEL_SIZE], buffer[MODEL_SIZE];

static ssize_t write_at(struct file *file, uint64_t offset, const void *from,
                        size_t length)
{
    struct cursor cursor = cursor_kernel(from, length);

    file->offset = offset;
    return file_write(file, &cursor);
}

static ssize_t read_at(struct file *file, uint64_t offset, size_t length)
{
    struct cursor cursor = cursor_kernel(buffer, length);

    return file_read_at(file, &cursor, offset);
}

static int truncate(struct file *file, uint64_t size)
{
    struct inode *inode = file->inode;
    int result;

    mutex_lock(&inode->mutex);
    result = inode->ops->truncate(inode, size);
    mutex_unlock(&inode->mutex);
    return result;
}

static struct file *open_new(const char *path)
{
    struct file *file;

    assert_int_equal(
        vfs_open(&at, NULL, path, OPEN_CREATE | OPEN_READ | OPEN_WRITE, &file),
        0);
    return file;
}

/* Random writes, truncations and reads against an array of bytes. */
static void test_contents(void **state)
{
    struct file *file = open_new("f");
    uint64_t size = 0;

    (void)state;
    srand(test_seed(1));
    memset(model, 0, sizeof(model));
    for (int i = 0; i < 3000; i++) {
        uint64_t offset = (uint64_t)rand() % MODEL_SIZE;
        size_t length = (size_t)rand() % (i % 3 ? 100 : 20000);
        ssize_t rest = (ssize_t)(size - offset);

        if (offset + length > MODEL_SIZE)
            length = MODEL_SIZE - offset;
        if (i % 50 == 49) {
            memset(model + offset, 0, MODEL_SIZE - offset);
            size = offset;
            assert_int_equal(truncate(file, size), 0);
        } else if (i % 2) {
            memset(buffer, i, length);
            memset(model + offset, i, length);
            assert_int_equal(write_at(file, offset, buffer, length), length);
            if (length && offset + length > size)
                size = offset + length;
        } else {
            if (offset >= size)
                rest = 0;
            else if (rest > (ssize_t)length)
                rest = (ssize_t)length;
            memset(buffer, 0xff, length);
            assert_int_equal(read_at(file, offset, length), rest);
            assert_memory_equal(buffer, model + offset, (size_t)rest);
        }
        assert_int_equal(file->inode->size, size);
    }
    assert_int_equal(read_at(file, 0, MODEL_SIZE), size);
    assert_memory_equal(buffer, model, size);
    assert_int_equal(truncate(file, 0), 0);
    assert_int_equal(stub_frames, frames_before + 1); /* of names */
    file_put(file);
    assert_int_equal(vfs_unlink(&at, NULL, "f"), 0);
}

static void test_unlinked_file_lives(void **state)
{
    struct file *file = open_new("f");

    (void)state;
    assert_int_equal(put_text(file, "contents"), 8);
    assert_int_equal(vfs_unlink(&at, NULL, "f"), 0);
    assert_int_equal(status("f"), -ENOENT);
    touch("f");
    assert_int_equal(read_at(file, 4, 100), 4);
    assert_memory_equal(buffer, "ents", 4);
    assert_int_equal(stub_frames, frames_before + 2); /* one of names */
    file_put(file);
    assert_int_equal(stub_frames, frames_before + 1);
    assert_int_equal(vfs_unlink(&at, NULL, "f"), 0);
}

/* Numbers are small: the lowest that no file has, open or with a name. */
static void test_numbers(void **state)
{
    struct file *open;
    uint64_t first;

    (void)state;
    touch("first");
    first = stat_of("first").number;
    open = open_new("f");
    assert_int_equal(open->inode->number, first + 1);
    assert_int_equal(vfs_unlink(&at, NULL, "f"), 0);
    touch("f");
    assert_int_equal(stat_of("f").number, first + 2);
    file_put(open);
    for (int i = 0; i < 1000; i++) {
        touch("g");
        assert_int_equal(stat_of("g").number, first + 1);
        assert_int_equal(vfs_unlink(&at, NULL, "g"), 0);
    }
    assert_int_equal(vfs_unlink(&at, NULL, "f"), 0);
    assert_int_equal(vfs_unlink(&at, NULL, "first"), 0);
}

/* Behind the end of a file that another has emptied. */
static void test_no_holes(void **state)
{
    unsigned flags = OPEN_READ | OPEN_WRITE;
    struct file *strict = open_new("f"), *loose;

    (void)state;
    assert_int_equal(put_text(strict, "contents"), 8);
    assert_int_equal(vfs_open(&at, NULL, "f", flags, &loose), 0);
    assert_int_equal(put_text(loose, "more contents"), 13);
    strict->flags |= OPEN_NO_HOLES;
    assert_int_equal(truncate(strict, 0), 0);
    assert_int_equal(put_text(strict, "x"), -ESPIPE);
    assert_int_equal(put_text(strict, ""), 0);
    assert_int_equal(strict->inode->size, 0);
    assert_int_equal(truncate(strict, 8), 0);
    assert_int_equal(put_text(strict, "x"), 1); /* at the end is not behind */
    assert_int_equal(put_text(loose, "x"), 1);
    assert_int_equal(strict->inode->size, 14);
    file_put(strict);
    file_put(loose);
    assert_int_equal(vfs_unlink(&at, NULL, "f"), 0);
}

/* The first pages of files come from the reserve, also when others use that,
 * and go back to it. */
static void test_reserve(void **state)
{
    struct file *file = open_new("f"), *second = open_new("g");
    long frames;

    (void)state;
    reserve_fill();
    frames = stub_frames;
    assert_int_equal(frames, frames_before + 1 + RESERVE_PAGES);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < RESERVE_PAGES; i++)
            assert_int_equal(write_at(file, i * 4096, "x", 1), 1);
        assert_int_equal(stub_frames, frames);
        assert_int_equal(write_at(second, 0, "x", 1), 1);
        assert_int_equal(write_at(second, 4096, "x", 1), 1);
        assert_int_equal(stub_frames, frames + 2);
        assert_int_equal(truncate(file, 0), 0);
        assert_int_equal(stub_frames, frames);
        assert_int_equal(truncate(second, 0), 0);
        assert_int_equal(stub_frames, frames);
    }
    /* What was kept is zero when it comes back. */
    assert_int_equal(write_at(file, 100, "x", 1), 1);
    assert_int_equal(read_at(file, 0, 101), 101);
    for (int i = 0; i < 100; i++)
        assert_int_equal(buffer[i], 0);
    file_put(file);
    file_put(second);
    assert_int_equal(vfs_unlink(&at, NULL, "f"), 0);
    assert_int_equal(vfs_unlink(&at, NULL, "g"), 0);
    assert_int_equal(stub_frames, frames);
    frames_before = frames;
}

static void test_truncating_open(void **state)
{
    struct file *file = open_new("f"), *again;

    (void)state;
    assert_int_equal(put_text(file, "contents"), 8);
    assert_int_equal(
        vfs_open(&at, NULL, "f", OPEN_READ | OPEN_TRUNCATE, &again), 0);
    assert_int_equal(stat_of("f").size, 0);
    file_put(again);
    /* The first one stands where it stood: a hole. */
    assert_int_equal(put_text(file, "!"), 1);
    assert_int_equal(read_at(file, 0, 100), 9);
    assert_memory_equal(buffer, "\0\0\0\0\0\0\0\0!", 9);
    file_put(file);
    assert_int_equal(vfs_unlink(&at, NULL, "f"), 0);
}

static void test_user_faults(void **state)
{
    static uint8_t data[3 * 4096];
    struct file *file = open_new("f");
    struct cursor cursor = cursor_user((uintptr_t)data, sizeof(data));

    (void)state;
    memset(data, 'd', sizeof(data));
    stub_fault_from = (uintptr_t)data + 2 * 4096 + 10;
    assert_int_equal(file_write(file, &cursor), 2 * 4096);
    assert_int_equal(file->inode->size, 2 * 4096);
    cursor = cursor_user(stub_fault_from, 10);
    assert_int_equal(file_write(file, &cursor), -EFAULT);
    assert_int_equal(file->inode->size, 2 * 4096);
    /* What the failed copies left behind does not show later. */
    assert_int_equal(truncate(file, 3 * 4096), 0);
    assert_int_equal(read_at(file, 2 * 4096, 4096), 4096);
    for (int i = 0; i < 4096; i++)
        assert_int_equal(buffer[i], 0);
    cursor = cursor_user((uintptr_t)data, sizeof(data));
    file->offset = 0;
    assert_int_equal(file_read(file, &cursor), 2 * 4096);
    cursor = cursor_user(stub_fault_from, 10);
    assert_int_equal(file_read(file, &cursor), -EFAULT);
    stub_fault_from = UINT64_MAX;
    file_put(file);
    assert_int_equal(vfs_unlink(&at, NULL, "f"), 0);
}

static void test_full(void **state)
{
    enum { ROOM = PAGE_LIMIT - 1 }; /* one page has the names */
    static uint8_t data[4096];
    struct file *file = open_new("f");

    (void)state;
    for (uint64_t i = 0; i < ROOM - 1; i++)
        assert_int_equal(write_at(file, i * 4096, data, 4096), 4096);
    assert_int_equal(write_at(file, (ROOM - 1) * 4096, buffer, 3 * 4096), 4096);
    assert_int_equal(put_text(file, "x"), -ENOSPC);
    assert_int_equal(file->inode->size, ROOM * 4096);
    assert_int_equal(write_at(file, UINT64_MAX - 1, data, 10), -EFBIG);
    assert_int_equal(write_at(file, UINT64_C(1) << 40, data, 1), -EFBIG);
    assert_int_equal(truncate(file, 0), 0);
    assert_int_equal(put_text(file, "x"), -EFBIG);
    assert_int_equal(write_at(file, 0, data, 1), 1);
    file_put(file);
    assert_int_equal(vfs_unlink(&at, NULL, "f"), 0);
}

/* A terabyte of which one byte was written: holes cost no memory, read or not.
 */
static void test_sparse(void **state)
{
    const uint64_t last = (UINT64_C(1) << 40) - 1;
    struct file *file = open_new("f");

    (void)state;
    assert_int_equal(write_at(file, last, "x", 1), 1);
    assert_int_equal(file->inode->size, last + 1);
    assert_int_equal(read_at(file, last - 9000, 9002), 9001);
    assert_int_equal(buffer[9000], 'x');
    for (int i = 0; i < 9000; i++)
        assert_int_equal(buffer[i], 0);
    assert_int_equal(stub_frames, frames_before + 2); /* one of names */
    assert_int_equal(truncate(file, last - 5000), 0);
    assert_int_equal(stub_frames, frames_before + 1);
    assert_int_equal(truncate(file, last + 1), 0);
    assert_int_equal(read_at(file, last, 2), 1);
    assert_int_equal(buffer[0], 0);
    assert_int_equal(stub_frames, frames_before + 1);
    file_put(file);
    assert_int_equal(vfs_unlink(&at, NULL, "f"), 0);
}

/* As a fault does it. */
static int page_of(struct object *object, uint64_t index, struct page **out)
{
    int error = object->ops->page(object, index, out);

    if (error != -EAGAIN)
        return error;
    error = object->ops->fetch(object, index);
    return error ? error : object->ops->page(object, index, out);
}

/* What a mapping is given: the file's frame, counted; and it keeps it. */
static void test_mapping(void **state)
{
    struct file *file = open_new("file-with-a-long-long-name");
    struct object *object = &file->inode->object;
    struct page *first, *hole, *page;
    char name[64];

    (void)state;
    assert_int_equal(write_at(file, 0, "first", 5), 5);
    assert_int_equal(write_at(file, 3 * 4096, "last", 4), 4);
    assert_int_equal(object->ops->page(object, 4, &page), -ENXIO);
    assert_int_equal(object->ops->page(object, UINT64_MAX, &page), -ENXIO);
    assert_int_equal(object->ops->page(object, 0, &first), 0);
    assert_int_equal(first->count, 2);
    assert_int_equal(first->kind, PAGE_CACHE);
    assert_memory_equal(page_data(first), "first\0", 6);
    stub_fail_after = 1;
    assert_int_equal(page_of(object, 1, &hole), -ENOMEM);
    assert_int_equal(page_of(object, 1, &hole), 0);
    assert_int_equal(hole->count, 2);
    /* A write parts file and mapping; one that cannot changes nothing. */
    stub_fail_after = 1;
    assert_int_equal(write_at(file, 4096, "hole", 4), -ENOSPC);
    assert_int_equal(hole->kind, PAGE_CACHE);
    assert_int_equal(write_at(file, 4096, "hole", 4), 4);
    assert_memory_equal(page_data(hole), "\0\0\0\0", 4);
    assert_int_equal(hole->kind, PAGE_ANONYMOUS);
    assert_int_equal(hole->count, 1);
    page_put(hole);
    assert_int_equal(page_of(object, 1, &hole), 0);
    assert_memory_equal(page_data(hole), "hole\0", 5);
    object->ops->name(object, name, sizeof(name));
    assert_string_equal(name, "file-with-a-long-long-n");
    stub_fail_after = 1;
    assert_int_equal(truncate(file, 3), -ENOSPC);
    assert_int_equal(truncate(file, 3), 0);
    assert_memory_equal(page_data(first), "first\0", 6);
    assert_int_equal(first->kind, PAGE_ANONYMOUS);
    assert_int_equal(first->count, 1);
    assert_int_equal(hole->kind, PAGE_ANONYMOUS);
    page_put(first);
    page_put(hole);
    assert_int_equal(object->ops->page(object, 0, &first), 0);
    assert_memory_equal(page_data(first), "fir\0\0\0", 6);
    object->ops->get(object);
    assert_int_equal(vfs_unlink(&at, NULL, "file-with-a-long-long-name"), 0);
    file_put(file);
    assert_int_equal(first->count, 2);
    object->ops->put(object);
    assert_int_equal(first->count, 1);
    assert_int_equal(first->kind, PAGE_ANONYMOUS);
    page_put(first);
}

/* ---- Memory that ends ---------------------------------------------------- */

/* Every verb that allocates, with each of its allocations failing in turn,
 * until it succeeds: what fails changes nothing. */
static int attempt(unsigned verb, struct file **file)
{
    switch (verb) {
    case 0:
        return vfs_mkdir(&at, NULL, "d/new");
    case 1:
        return vfs_mknod(&at, NULL, "d/new", 1, 2);
    case 2:
        return vfs_link(&at, NULL, "f", NULL, "d/new");
    default:
        return vfs_open(&at, NULL, "d/new", OPEN_CREATE | OPEN_WRITE, file);
    }
}

static void test_no_memory(void **state)
{
    char name[32];

    (void)state;
    assert_int_equal(vfs_mkdir(&at, NULL, "d"), 0);
    touch("f");
    for (int i = 0; i < 64; i++) { /* the next name needs a new node */
        snprintf(name, sizeof(name), "d/%d", i);
        touch(name);
    }
    for (unsigned verb = 0; verb < 4; verb++) {
        unsigned failures = 0;
        int result;

        do {
            long objects = stub_objects;
            struct file *file = NULL;

            stub_fail_after = failures + 1;
            result = attempt(verb, &file);
            file_put(file);
            stub_fail_after = 0;
            if (!result)
                continue;
            failures++;
            assert_int_equal(result, -ENOMEM);
            assert_int_equal(status("d/new"), -ENOENT);
            assert_int_equal(stat_of("d").links, 2);
            assert_int_equal(stat_of("f").links, 1);
            /* The directory's tree may keep a node or two. */
            assert_in_range(stub_objects - objects, 0, 2);
        } while (result);
        assert_true(failures > 0);
        assert_int_equal(vfs_remove(&at, NULL, "d/new"), 0);
    }
    for (int i = 0; i < 64; i++) {
        snprintf(name, sizeof(name), "d/%d", i);
        assert_int_equal(vfs_unlink(&at, NULL, name), 0);
    }
    assert_int_equal(vfs_unlink(&at, NULL, "f"), 0);
    assert_int_equal(vfs_rmdir(&at, NULL, "d"), 0);
}

static void test_no_memory_for_contents(void **state)
{
    static const char two[2 * 4096];
    ssize_t written;

    (void)state;
    for (unsigned nth = 1;; nth++) {
        struct file *file = open_new("f");

        stub_fail_after = nth;
        written = write_at(file, 4095, two, sizeof(two));
        stub_fail_after = 0;
        assert_int_equal(file->inode->size, written > 0 ? 4095 + written : 0);
        file_put(file);
        assert_int_equal(vfs_unlink(&at, NULL, "f"), 0);
        assert_int_equal(stub_frames, frames_before);
        if (written == sizeof(two))
            break;
        assert_true(written == -ENOSPC || written == -ENOMEM || written > 0);
        assert_true(nth < 10);
    }
}

/* ---- Mounts and devices -------------------------------------------------- */

static void test_mounts(void **state)
{
    struct superblock *devices;
    struct file *file;
    struct cursor cursor;
    uint64_t root = stat_of("/").number;

    (void)state;
    assert_int_equal(vfs_mkdir(&at, NULL, "dev"), 0);
    touch("f");
    assert_int_equal(devfs_make(&devices), 0);
    assert_int_equal(vfs_mount(&at, "f", devices), -ENOTDIR);
    assert_int_equal(vfs_mount(&at, "none", devices), -ENOENT);
    assert_int_equal(vfs_mount(&at, "/", devices), -EBUSY);
    assert_int_equal(vfs_mount(&at, "dev", devices), 0);
    assert_int_equal(vfs_mount(&at, "dev", devices), -EBUSY);
    assert_int_equal(stat_of("dev").device, devices->device);
    assert_int_equal(stat_of("dev/..").number, root);
    assert_int_equal(stat_of("dev/../dev/null").major, 2);
    assert_int_equal(vfs_chdir(&at, NULL, "dev"), 0);
    assert_int_equal(stat_of("../f").type, INODE_FILE);
    assert_int_equal(stat_of("..").device, stat_of("/").device);
    assert_int_equal(vfs_chdir(&at, NULL, "/"), 0);
    assert_int_equal(vfs_link(&at, NULL, "f", NULL, "dev/f"), -EXDEV);
    assert_int_equal(vfs_rmdir(&at, NULL, "dev"), -EBUSY);
    assert_int_equal(vfs_mkdir(&at, NULL, "dev"), -EEXIST);
    assert_int_equal(vfs_open(&at, NULL, "dev", OPEN_CREATE, &file), -EISDIR);

    assert_int_equal(
        vfs_open(&at, NULL, "dev/zero", OPEN_READ | OPEN_WRITE, &file), 0);
    buffer[3] = 1;
    cursor = cursor_kernel(buffer, 8);
    assert_int_equal(file_read(file, &cursor), 8);
    assert_int_equal(buffer[3], 0);
    assert_int_equal(put_text(file, "away"), 4);
    assert_int_equal(read_at(file, 0, 8), -ESPIPE);
    file_put(file);
    assert_int_equal(vfs_mknod(&at, NULL, "nothing", 2, 9), 0);
    assert_int_equal(vfs_open(&at, NULL, "nothing", OPEN_READ, &file), 0);
    cursor = cursor_kernel(buffer, 8);
    assert_int_equal(file_read(file, &cursor), 0);
    file_put(file);
    assert_int_equal(vfs_unlink(&at, NULL, "nothing"), 0);
    assert_int_equal(vfs_unlink(&at, NULL, "f"), 0);
    /* A mount is for good, and so are its objects and its directory's. */
    objects_before = stub_objects;
}

/* ---- Descriptors --------------------------------------------------------- */

static void test_descriptors(void **state)
{
    struct file_table table, copy;
    struct file *file = open_new("f"), *same;

    (void)state;
    file_table_init(&table, NULL);
    file_table_init(&copy, NULL);
    for (int i = 0; i < FILE_TABLE_MAX; i++)
        assert_int_equal(file_table_install(&table, file_get(file)), i);
    assert_int_equal(file_table_install(&table, file), -EMFILE);
    assert_int_equal(file->count, 1 + FILE_TABLE_MAX);
    file_put(file_table_remove(&table, 77));
    file_put(file_table_remove(&table, 3));
    assert_null(file_table_remove(&table, 3));
    assert_null(file_table_find(&table, 3));
    assert_null(file_table_find(&table, -1));
    assert_null(file_table_find(&table, FILE_TABLE_MAX));
    same = file_table_find(&table, 4);
    assert_ptr_equal(same, file);
    file_put(same);
    assert_int_equal(file->count, 1 + FILE_TABLE_MAX - 2);
    file_table_copy(&copy, &table);
    assert_int_equal(file->count, 1 + 2 * (FILE_TABLE_MAX - 2));
    assert_int_equal(file_table_install(&copy, file_get(file)), 3);
    assert_int_equal(file_table_install(&copy, file_get(file)), 77);
    assert_null(file_table_find(&table, 77));
    /* One that is taken is nobody's until it is filled, or let go. */
    assert_int_equal(file_table_install(&table, NULL), 3);
    assert_null(file_table_find(&table, 3));
    assert_null(file_table_remove(&table, 3));
    assert_int_equal(file_table_install(&table, NULL), 77);
    file_table_fill(&table, 77, NULL);
    assert_int_equal(file_table_install(&table, NULL), 77);
    file_table_put(&copy);
    file_table_init(&copy, NULL);
    file_table_copy(&copy, &table);
    assert_int_equal(file_table_install(&copy, file_get(file)), 3);
    file_table_fill(&table, 3, file_get(file));
    same = file_table_find(&table, 3);
    assert_ptr_equal(same, file);
    file_put(same);
    file_table_fill(&table, 77, NULL);
    file_table_put(&copy);
    file_table_put(&table);
    assert_int_equal(file->count, 1);
    file_put(file);
    assert_int_equal(vfs_unlink(&at, NULL, "f"), 0);
}

/* ---- The sparse array ---------------------------------------------------- */

static void test_radix(void **state)
{
    static const uint64_t indices[] = {
        0,     1,        63,         64,         4095,      4096,
        65535, 1u << 20, 1ull << 33, 1ull << 60, ~0ull - 1, ~0ull,
    };
    enum { COUNT = sizeof(indices) / sizeof(indices[0]) };
    static char items[COUNT];

    (void)state;
    for (unsigned set = 0; set < 1u << COUNT; set++) {
        struct radix radix;

        radix_init(&radix);
        for (unsigned i = 0; i < COUNT; i++)
            if (set >> i & 1)
                assert_int_equal(radix_set(&radix, indices[i], &items[i]), 0);
        for (unsigned i = 0; i < COUNT; i++)
            assert_ptr_equal(radix_get(&radix, indices[i]),
                             set >> i & 1 ? &items[i] : NULL);
        assert_null(radix_get(&radix, 2));
        assert_int_equal(radix_set(&radix, 12345, NULL), 0);
        radix_clear(&radix);
        assert_int_equal(stub_objects, objects_before);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_paths),
        TEST(test_opening),
        TEST(test_links),
        TEST(test_removing),
        TEST(test_dead_directory),
        TEST(test_dead_chain),
        TEST(test_slots),
        TEST(test_reading_slots),
        TEST(test_contents),
        TEST(test_unlinked_file_lives),
        TEST(test_numbers),
        TEST(test_no_holes),
        TEST(test_sparse),
        TEST(test_reserve),
        TEST(test_truncating_open),
        TEST(test_user_faults),
        TEST(test_full),
        TEST(test_mapping),
        TEST(test_no_memory),
        TEST(test_no_memory_for_contents),
        TEST(test_mounts),
        TEST(test_descriptors),
        TEST(test_radix),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
