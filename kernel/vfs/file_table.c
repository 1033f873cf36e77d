/*
 * Descriptors: a bit for each that is in use, so that the lowest free one and
 * the used ones are found without looking at the others, and a fork costs a
 * few instructions for each open file. The first few slots lie in the table
 * itself; a process that opens more gets room for all there can be.
 */
#include "vfs/file.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"

void file_table_init(struct file_table *table,
                     void (*release)(struct file_table *table))
{
    atomic_init(&table->count, 1);
    table->release = release;
    spin_init(&table->lock, LOCK_FILE_TABLE);
    table->capacity = FILE_TABLE_FIRST;
    table->slots = table->first;
    for (unsigned i = 0; i < ARRAY_SIZE(table->used); i++)
        table->used[i] = 0;
}

/* Room for all descriptors, from memory. The table is locked, or not yet
 * known to anybody else. */
static int table_grow(struct file_table *table)
{
    struct file **slots = slab_alloc(FILE_TABLE_MAX * sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    memcpy(slots, table->first, sizeof(table->first));
    table->slots = slots;
    table->capacity = FILE_TABLE_MAX;
    return 0;
}

int file_table_copy(struct file_table *to, struct file_table *from)
{
    int result = 0;
    spin_lock(&from->lock);
    if (from->capacity > FILE_TABLE_FIRST)
        result = table_grow(to);
    for (unsigned i = 0; !result && i < ARRAY_SIZE(to->used); i++) {
        uint64_t rest = from->used[i];
        for (unsigned fd = i * 64; rest; rest >>= 1, fd++) {
            if (!(rest & 1) || !from->slots[fd])
                continue;
            to->slots[fd] = file_get(from->slots[fd]);
            to->used[i] |= BIT(fd % 64);
        }
    }
    spin_unlock(&from->lock);
    return result;
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
    if (table->slots != table->first)
        slab_free(table->slots);
    if (table->release)
        table->release(table);
}

/* The lowest free descriptor, or FILE_TABLE_MAX. */
static unsigned lowest_free(const struct file_table *table)
{
    for (unsigned i = 0; i < ARRAY_SIZE(table->used); i++)
        if (~table->used[i])
            return i * 64 + bit_lowest(~table->used[i]);
    return FILE_TABLE_MAX;
}

int file_table_install(struct file_table *table, struct file *file)
{
    int result = 0;
    spin_lock(&table->lock);
    unsigned fd = lowest_free(table);
    if (fd == FILE_TABLE_MAX)
        result = -EMFILE;
    else if (fd >= table->capacity)
        result = table_grow(table);
    if (!result) {
        table->slots[fd] = file;
        table->used[fd / 64] |= BIT(fd % 64);
    }
    spin_unlock(&table->lock);
    return result ? result : (int)fd;
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
