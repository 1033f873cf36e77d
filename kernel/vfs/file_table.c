/*
 * Descriptors: a bit for each that is in use, so that the lowest free one is
 * found without looking at the others, and a fork costs a few instructions for
 * each open file.
 */
#include "vfs/file.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/string.h"

void file_table_init(struct file_table *table,
                     void (*release)(struct file_table *table))
{
    atomic_init(&table->count, 1);
    table->release = release;
    spin_init(&table->lock, LOCK_FILE_TABLE);
    memset(table->used, 0, sizeof(table->used));
}

void file_table_copy(struct file_table *to, struct file_table *from)
{
    spin_lock(&from->lock);
    for (unsigned i = 0; i < ARRAY_SIZE(to->used); i++) {
        uint64_t rest = from->used[i];
        for (unsigned fd = i * 64; rest; rest >>= 1, fd++) {
            if (!(rest & 1) || !from->slots[fd])
                continue;
            to->slots[fd] = file_get(from->slots[fd]);
            to->used[i] |= BIT(fd % 64);
        }
    }
    spin_unlock(&from->lock);
}

void file_table_put(struct file_table *table)
{
    if (atomic_fetch_sub(&table->count, 1) != 1)
        return;
    for (unsigned i = 0; i < ARRAY_SIZE(table->used); i++) {
        uint64_t rest = table->used[i];
        for (unsigned fd = i * 64; rest; rest >>= 1, fd++)
            if (rest & 1)
                file_put(table->slots[fd]);
    }
    if (table->release)
        table->release(table);
}

int file_table_install(struct file_table *table, struct file *file)
{
    int fd = -EMFILE;
    spin_lock(&table->lock);
    for (unsigned i = 0; fd < 0 && i < ARRAY_SIZE(table->used); i++)
        if (~table->used[i])
            fd = (int)(i * 64 + bit_lowest(~table->used[i]));
    if (fd >= 0) {
        table->slots[fd] = file;
        table->used[fd / 64] |= BIT(fd % 64);
    }
    spin_unlock(&table->lock);
    return fd;
}

void file_table_fill(struct file_table *table, int fd, struct file *file)
{
    spin_lock(&table->lock);
    table->slots[fd] = file;
    if (!file)
        table->used[fd / 64] &= ~BIT(fd % 64);
    spin_unlock(&table->lock);
}

/* The file at `fd` with a reference, or with `remove` that of the table. */
static inline struct file *take(struct file_table *table, int fd, bool remove)
{
    struct file *file = NULL;
    if (fd < 0 || fd >= FILE_TABLE_MAX)
        return NULL;
    spin_lock(&table->lock);
    if (table->used[fd / 64] & BIT(fd % 64)) {
        file = table->slots[fd];
        if (file && remove)
            table->used[fd / 64] &= ~BIT(fd % 64);
        else if (file)
            file_get(file);
    }
    spin_unlock(&table->lock);
    return file;
}

struct file *file_table_find(struct file_table *table, int fd)
{
    return take(table, fd, false);
}

struct file *file_table_remove(struct file_table *table, int fd)
{
    return take(table, fd, true);
}
