/*
 * Open files. The mutex of the inode guards the position of an open file, as
 * reading and writing take it in any case. So two processes that share an open
 * file never read the same bytes.
 */
#include "vfs/file.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/panic.h"
#include "mm/oom.h"
#include "mm/slab.h"

/* The most bytes moved, and slots read, under one holding of an inode's mutex:
 * so a wait for the mutex does not grow with a transfer. */
#define PART_BYTES (256l << 10)
#define PART_SLOTS 256

/* Read or write one part. With `no_holes`, -ESPIPE if it would begin past the
 * end of the file, which may have become shorter since the last part. */
static inline int
move_part(struct inode *inode, struct cursor *cursor, uint64_t *offset,
          ssize_t (*move)(struct inode *, struct cursor *, uint64_t),
          bool no_holes)
{
    size_t later = cursor->left > PART_BYTES ? cursor->left - PART_BYTES : 0;
    ssize_t moved = -ESPIPE;
    cursor->left -= later;
    mutex_lock(&inode->mutex);
    if (!no_holes || !cursor->left || *offset <= atomic_load(&inode->size))
        moved = move(inode, cursor, *offset);
    if (moved > 0)
        *offset += (uint64_t)moved;
    mutex_unlock(&inode->mutex);
    cursor->left += later;
    return (int)moved;
}

static ssize_t read_at(struct inode *inode, struct cursor *cursor,
                       uint64_t *offset)
{
    ssize_t total = 0;
    int moved;
    if (!inode->ops->read)
        return inode->type == INODE_DIRECTORY ? -EISDIR : -EPERM;
    do {
        moved = move_part(inode, cursor, offset, inode->ops->read, false);
        if (moved > 0)
            total += moved;
    } while (hurry_again(&moved) || (moved > 0 && cursor->left &&
                                     *offset < atomic_load(&inode->size)));
    return total ? total : moved;
}

static ssize_t inode_file_read(struct file *file, struct cursor *cursor)
{
    return read_at(file->inode, cursor, &file->offset);
}

/* Between two parts a writer that is faster than the disk waits, so that memory
 * does not fill up with dirty pages. */
static ssize_t inode_file_write(struct file *file, struct cursor *cursor)
{
    struct inode *inode = file->inode;
    ssize_t total = 0;
    int moved;
    unsigned tries = 0;
    bool again;
    if (!inode->ops->write)
        return -EPERM;
    do {
        moved = move_part(inode, cursor, &file->offset, inode->ops->write,
                          file->flags & OPEN_NO_HOLES);
        again = hurry_again(&moved) || moved > 0;
        if (moved > 0) {
            total += moved;
            tries = 0;
        }
        if (inode->superblock->writeback && writeback_pace())
            again = false;
        /* Memory may be full of what this call has written. */
        if (moved == -ENOMEM && total)
            again = oom_retry(&tries, 1);
    } while (again && cursor->left);
    return total ? total : moved;
}

static const struct file_ops inode_file_ops = {
    .read = inode_file_read,
    .write = inode_file_write,
};

/* ---- Devices ------------------------------------------------------------- */

static const struct file_ops *drivers[DEVICE_MAJORS];

void device_register(unsigned major, const struct file_ops *driver)
{
    ASSERT(major < DEVICE_MAJORS && !drivers[major]);
    drivers[major] = driver;
}

static int device_open(struct file *file)
{
    unsigned major = file->inode->major;
    file->ops = major < DEVICE_MAJORS ? drivers[major] : NULL;
    return file->ops ? 0 : -ENODEV;
}

/* ---- Open files ---------------------------------------------------------- */

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
    file->ops = &inode_file_ops;
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
    if (file->inode)
        inode_stat(file->inode, out);
    else
        *out = (struct file_stat){.type = INODE_PIPE, .links = 1};
}

bool file_is_directory(const struct file *file)
{
    return file->inode && file->inode->type == INODE_DIRECTORY;
}

/* Read one slot: 1 if there may be more to read, 0 if not, or an error. */
static int read_slot(struct file *file, struct cursor *cursor,
                     encode_entry *encode)
{
    struct inode *inode = file->inode;
    uint64_t slot = file->offset / DIRECTORY_SLOT_SIZE, found = slot;
    unsigned within = file->offset % DIRECTORY_SLOT_SIZE;
    char record[DIRECTORY_SLOT_SIZE];
    struct directory_entry entry;
    if (!cursor->left)
        return 0;
    hurry_begin();
    int result = inode->ops->read_directory(inode, &found, &entry);
    hurry_end();
    if (result <= 0)
        return result;
    if (found != slot)
        within = 0;
    encode(&entry, record);
    size_t length = MIN(sizeof(record) - within, cursor->left);
    result = cursor_put(cursor, record + within, length);
    if (result)
        return result;
    file->offset = found * DIRECTORY_SLOT_SIZE + within + length;
    return 1;
}

ssize_t file_read_directory(struct file *file, struct cursor *cursor,
                            encode_entry *encode)
{
    size_t length = cursor->left;
    int result;
    if (!(file->flags & OPEN_READ))
        return -EBADF;
    if (!file_is_directory(file))
        return -ENOTDIR;
    if (!file->inode->ops->read_directory)
        return -EPERM;
    do {
        unsigned left = PART_SLOTS;
        mutex_lock(&file->inode->mutex);
        do
            result = read_slot(file, cursor, encode);
        while (result == 1 && --left);
        mutex_unlock(&file->inode->mutex);
    } while (hurry_again(&result) || result == 1);
    length -= cursor->left;
    return length ? (ssize_t)length : result;
}
