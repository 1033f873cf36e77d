/*
 * The machine is tests/host/mm/hal.c's; positions of files are found by seeking
 * in an open file of this side's own.
 */
/* sources: tests/host/disk/disk.c kernel/fs/ext2/[a-z]*.c */
/* sources: kernel/fs/journal/[a-z]*.c */
/* sources: kernel/cache/cache.c kernel/cache/change.c kernel/cache/io.c */
/* sources: kernel/cache/reclaim.c */
/* sources: kernel/vfs/name_index.c */
/* sources: kernel/vfs/vfs.c kernel/vfs/tree.c */
/* sources: kernel/vfs/namei.c kernel/vfs/inode.c kernel/vfs/file.c */
/* sources: kernel/vfs/contents.c */
#include <assert.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/disk/ext2_host.h"
#include "cache/cache.h"
#include "fs/ext2/private.h"
#include "vfs/file.h"
#include "cache/writeback.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "host/mm/hal.h"

#define MEMORY (48ul << 20)

struct fs_context host_at;
struct superblock *host_super;
char host_console[4096];
uint64_t host_pages;

static void keep_text(const char *text, size_t length)
{
    size_t used = strlen(host_console);

    if (getenv("CONSOLE"))
        fwrite(text, 1, length, stderr);
    if (used + length >= sizeof(host_console)) {
        size_t lost = used + length + 1 - sizeof(host_console);

        if (lost > used)
            return;
        memmove(host_console, host_console + lost, used - lost + 1);
        used -= lost;
    }
    memcpy(host_console + used, text, length);
    host_console[used + length] = '\0';
}

/* Nothing is written behind the test's back. */
int writeback_pace(void)
{
    return 0;
}

void thread_yield(void)
{
    sched_yield();
}

int host_boot(void **state)
{
    (void)state;
    mm_boot(MEMORY);
    kprintf_set_sink(keep_text);
    return cache_start();
}

int host_mount(struct disk *disk, bool read_only)
{
    int result;

    host_console[0] = '\0';
    host_pages = page_free_count();
    result = ext2_mount(&disk->device, read_only, &host_super);
    if (!result)
        fs_context_init(&host_at, host_super->root, inode_get(host_super->root),
                        NULL);
    return result;
}

int host_unmount(void)
{
    int result;

    fs_context_put(&host_at);
    result = host_super->writeback->ops->stop(host_super->writeback);
    ext2_destroy(container_of(host_super, struct ext2, superblock));
    return result;
}

bool host_is_read_only(void)
{
    return ext2_is_read_only(container_of(host_super, struct ext2, superblock));
}

int host_sync(void)
{
    return host_super->writeback->ops->sync(host_super->writeback);
}

uint8_t host_byte(uint64_t seed, uint64_t i)
{
    uint64_t word = (seed + i / 8 + 1) * 0x9e3779b97f4a7c15u;

    word ^= word >> 29;
    return (uint8_t)((word * 0xbf58476d1ce4e5b9u) >> (8 + i % 8 * 6));
}

void host_fill(uint8_t *to, uint64_t seed, uint64_t from, size_t length)
{
    for (size_t i = 0; i < length; i++)
        to[i] = host_byte(seed, from + i);
}

static int open_file(const char *path, unsigned flags, uint64_t offset,
                     struct file **file)
{
    int result = vfs_open(&host_at, NULL, path, flags, file);

    if (!result)
        (*file)->offset = offset;
    return result;
}

ssize_t host_put(const char *path, uint64_t offset, const void *data,
                 size_t length)
{
    struct cursor cursor = cursor_kernel(data, length);
    struct file *file;
    ssize_t moved = open_file(path, OPEN_WRITE | OPEN_CREATE, offset, &file);

    if (moved)
        return moved;
    moved = file_write(file, &cursor);
    file_put(file);
    return moved;
}

ssize_t host_get(const char *path, uint64_t offset, void *data, size_t length)
{
    struct cursor cursor = cursor_kernel(data, length);
    struct file *file;
    ssize_t moved = open_file(path, OPEN_READ, offset, &file);

    if (moved)
        return moved;
    moved = file_read(file, &cursor);
    file_put(file);
    return moved;
}

int host_touch(const char *path)
{
    struct file *file;
    int result = open_file(path, OPEN_WRITE | OPEN_CREATE, 0, &file);

    if (!result)
        file_put(file);
    return result;
}

int host_truncate(const char *path, uint64_t size)
{
    struct file *file;
    int result = open_file(path, OPEN_WRITE, 0, &file);

    if (result)
        return result;
    do {
        mutex_lock(&file->inode->mutex);
        result = file->inode->ops->truncate
                     ? file->inode->ops->truncate(file->inode, size)
                     : -EPERM;
        mutex_unlock(&file->inode->mutex);
    } while (hurry_again(&result));
    file_put(file);
    return result;
}

struct file_stat host_stat(const char *path)
{
    struct file_stat stat = {0};

    assert(!vfs_stat(&host_at, NULL, path, true, &stat));
    return stat;
}

int host_status(const char *path)
{
    struct file_stat stat;

    return vfs_stat(&host_at, NULL, path, true, &stat);
}

/* ---- Directories --------------------------------------------------------- */

static _Thread_local struct {
    char **names;
    size_t count;
} gathered;

static void gather(const struct directory_entry *entry,
                   char record[DIRECTORY_SLOT_SIZE])
{
    size_t count = gathered.count;

    memset(record, 0, DIRECTORY_SLOT_SIZE);
    if (!entry->number || !strcmp(entry->name, ".") ||
        !strcmp(entry->name, ".."))
        return;
    gathered.names = realloc(gathered.names, (count + 1) * sizeof(char *));
    gathered.names[gathered.count++] = strdup(entry->name);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char *host_list(const char *path)
{
    char records[4096];
    struct file *file;
    char *text;
    size_t size = 1;
    ssize_t result = open_file(path, OPEN_READ, 0, &file);

    if (result)
        return NULL;
    gathered.names = NULL;
    gathered.count = 0;
    do {
        struct cursor cursor = cursor_kernel(records, sizeof(records));
        result = file_read_directory(file, &cursor, gather);
    } while (result > 0);
    file_put(file);
    if (gathered.count)
        qsort(gathered.names, gathered.count, sizeof(char *), by_name);
    for (size_t i = 0; i < gathered.count; i++)
        size += strlen(gathered.names[i]) + 1;
    text = calloc(size, 1);
    for (size_t i = 0; i < gathered.count; i++) {
        strcat(strcat(text, gathered.names[i]), "/");
        free(gathered.names[i]);
    }
    free(gathered.names);
    if (result) {
        free(text);
        return NULL;
    }
    return text;
}
