/*
 * Open files. The position of a file of a file system is guarded by its
 * inode's mutex, which reading and writing take in any case, so that two
 * processes with one open file between them never get the same bytes twice.
 */
#include "vfs/file.h"
#include "vfs/device.h"
#include "cache/writeback.h"
#include "lib/errno.h"
#include "mm/oom.h"
#include "mm/slab.h"

#define WRITE_PART (256ul << 10)

static inline ssize_t read_at(struct inode *inode, struct cursor *cursor,
                              uint64_t *offset)
{
    if (!inode->ops->read)
        return -EPERM;
    mutex_lock(&inode->mutex);
    ssize_t moved = inode->ops->read(inode, cursor, *offset);
    if (moved > 0)
        *offset += (uint64_t)moved;
    mutex_unlock(&inode->mutex);
    return moved;
}

static ssize_t inode_file_read(struct file *file, struct cursor *cursor)
{
    return read_at(file->inode, cursor, &file->offset);
}

/* Another may have cut the file short since the last write. Locked. */
static bool would_leave_hole(const struct file *file,
                             const struct cursor *cursor)
{
    return file->flags & OPEN_NO_HOLES && cursor->left &&
           file->offset > atomic_load(&file->inode->size);
}

/* Write at most `most` bytes. */
static ssize_t write_part(struct file *file, struct cursor *cursor, size_t most)
{
    struct inode *inode = file->inode;
    size_t later = cursor->left > most ? cursor->left - most : 0;
    cursor->left -= later;
    mutex_lock(&inode->mutex);
    ssize_t moved = would_leave_hole(file, cursor)
                        ? -ESPIPE
                        : inode->ops->write(inode, cursor, file->offset);
    if (moved > 0)
        file->offset += (uint64_t)moved;
    mutex_unlock(&inode->mutex);
    cursor->left += later;
    return moved;
}

/* To a disk in parts, so that whoever writes faster than the disk does is made
 * to wait before memory is full of it, and whoever is killed writes no more. */
static ssize_t inode_file_write(struct file *file, struct cursor *cursor)
{
    struct inode *inode = file->inode;
    size_t most = inode->superblock->writeback ? WRITE_PART : SIZE_MAX;
    ssize_t total = 0, moved;
    unsigned tries = 0;
    bool again;
    if (!inode->ops->write)
        return -EPERM;
    do {
        moved = write_part(file, cursor, most);
        again = moved > 0;
        if (again) {
            total += moved;
            tries = 0;
        }
        if (inode->superblock->writeback && writeback_pace())
            again = false;
        /* What was written so far may be what memory is full of. */
        if (moved == -ENOMEM && total)
            again = oom_retry(&tries, 1);
    } while (again && cursor->left);
    return total ? total : moved;
}

static const struct file_ops inode_file_ops = {
    .read = inode_file_read,
    .write = inode_file_write,
};

static ssize_t directory_read(struct file *file, struct cursor *cursor)
{
    (void)file;
    (void)cursor;
    return -EISDIR;
}

/* Never open for writing. */
static const struct file_ops directory_ops = {.read = directory_read};

struct file *file_alloc(unsigned flags)
{
    struct file *file = slab_alloc_zeroed(sizeof(*file));
    if (!file)
        return NULL;
    atomic_init(&file->count, 1);
    file->flags = flags;
    return file;
}

int file_attach(struct file *file, struct inode *inode)
{
    file->inode = inode;
    if (inode->type == INODE_DIRECTORY &&
        (file->flags & (OPEN_WRITE | OPEN_CREATE | OPEN_TRUNCATE)))
        return -EISDIR;
    if (inode->type == INODE_DEVICE)
        return device_open(file);
    file->ops =
        inode->type == INODE_DIRECTORY ? &directory_ops : &inode_file_ops;
    return inode->ops->open ? inode->ops->open(inode, file) : 0;
}

struct file *file_get(struct file *file)
{
    atomic_fetch_add_explicit(&file->count, 1, memory_order_relaxed);
    return file;
}

void file_put(struct file *file)
{
    if (!file || atomic_fetch_sub(&file->count, 1) != 1)
        return;
    if (file->ops && file->ops->close)
        file->ops->close(file);
    inode_put(file->inode);
    slab_free(file);
}

ssize_t file_read(struct file *file, struct cursor *cursor)
{
    if (!(file->flags & OPEN_READ))
        return -EBADF;
    return file->ops->read(file, cursor);
}

ssize_t file_write(struct file *file, struct cursor *cursor)
{
    if (!(file->flags & OPEN_WRITE))
        return -EBADF;
    return file->ops->write(file, cursor);
}

ssize_t file_read_at(struct file *file, struct cursor *cursor, uint64_t offset)
{
    if (!(file->flags & OPEN_READ))
        return -EBADF;
    if (file->ops != &inode_file_ops)
        return -ESPIPE;
    return read_at(file->inode, cursor, &offset);
}

unsigned file_poll(struct file *file, struct wait_set *set)
{
    return file->ops->poll ? file->ops->poll(file, set) : POLL_ALWAYS;
}

int file_ioctl(struct file *file, unsigned command, uintptr_t argument)
{
    return file->ops->ioctl ? file->ops->ioctl(file, command, argument)
                            : -ENOTTY;
}

void file_stat(const struct file *file, struct file_stat *out)
{
    if (file->ops->stat)
        file->ops->stat(file, out);
    else
        inode_stat(file->inode, out);
}

bool file_is_directory(const struct file *file)
{
    return file->ops == &directory_ops;
}

/* One slot: 1 when all of it was used, 0 at the end or when it was not. */
static int read_slot(struct file *file, struct directory_sink *sink)
{
    struct inode *inode = file->inode;
    uint64_t slot = file->offset / DIRECTORY_SLOT_SIZE;
    unsigned within = file->offset % DIRECTORY_SLOT_SIZE;
    struct directory_entry entry;
    uint64_t found = slot;
    int result = inode->ops->read_directory(inode, &found, &entry);
    if (result <= 0)
        return result;
    /* What was begun is gone: go on with a whole slot. */
    if (found != slot)
        within = 0;
    result = sink->emit(sink, &entry, within);
    if (result <= 0)
        return result;
    within += (unsigned)result;
    file->offset = found * DIRECTORY_SLOT_SIZE + within;
    return within == DIRECTORY_SLOT_SIZE;
}

int file_read_directory(struct file *file, struct directory_sink *sink)
{
    struct inode *inode = file->inode;
    int result;
    if (!(file->flags & OPEN_READ))
        return -EBADF;
    if (!file_is_directory(file))
        return -ENOTDIR;
    if (!inode->ops->read_directory)
        return -EPERM;
    mutex_lock(&inode->mutex);
    uint64_t before = file->offset;
    do
        result = read_slot(file, sink);
    while (result == 1);
    if (result < 0 && file->offset != before)
        result = 0;
    mutex_unlock(&inode->mutex);
    return result;
}
