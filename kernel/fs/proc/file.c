/*
 * Open files of /proc. Opening one for reading prints its whole text into
 * memory of the open file, with more room each time until it fits.
 */
#include "fs/proc/private.h"
#include "vfs/file.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "mm/slab.h"

/* Room for a text at first, and at most; what is longer is cut there. */
#define ROOM_FIRST 2048
#define ROOM_LAST  (1u << 20)

static ssize_t snapshot_read(struct file *file, struct cursor *cursor)
{
    const struct text *text = file->private;
    struct mutex *mutex = &file->inode->mutex;
    ssize_t result = 0;
    mutex_lock(mutex);
    if (file->offset < text->length) {
        size_t length = MIN(cursor->left, text->length - (size_t)file->offset);
        result = cursor_put(cursor, text->data + file->offset, length);
        if (!result) {
            file->offset += length;
            result = (ssize_t)length;
        }
    }
    mutex_unlock(mutex);
    return result;
}

static ssize_t command_write(struct file *file, struct cursor *cursor)
{
    char command[PROCFS_COMMAND + 1];
    size_t length = cursor->left;
    if (length > PROCFS_COMMAND)
        return -EINVAL;
    int result = cursor_take(cursor, command, length);
    if (result)
        return result;
    command[length] = '\0';
    return procfs_of(file->inode)->row->entry->write(command, length);
}

static void snapshot_close(struct file *file)
{
    slab_free(file->private);
}

static const struct file_ops snapshot_ops = {
    .read = snapshot_read,
    .write = command_write,
    .close = snapshot_close,
};

/* The text of `inode` in memory of its own, a struct text and what it needs;
 * or a folded errno. */
static struct text *take_snapshot(const struct procfs_inode *inode)
{
    for (size_t room = ROOM_FIRST;; room *= 2) {
        struct text *text = slab_alloc(room);
        int result;
        if (!text)
            return err_ptr(-ENOMEM);
        text_init(text, (char *)(text + 1), room - sizeof(*text));
        result = procfs_show(inode, text);
        if (!result && (!text->truncated || room == ROOM_LAST))
            return text;
        slab_free(text);
        if (result)
            return err_ptr(result);
    }
}

static bool can_show(const struct procfs_inode *inode)
{
    return !inode->row || !inode->row->entry || inode->row->entry->show;
}

static bool can_write(const struct procfs_inode *inode)
{
    return inode->row && inode->row->entry && inode->row->entry->write;
}

int procfs_open(struct inode *inode, struct file *file)
{
    const struct procfs_inode *what = procfs_of(inode);
    if ((file->flags & OPEN_READ) && !can_show(what))
        return -EACCES;
    if ((file->flags & OPEN_WRITE) && !can_write(what))
        return -EACCES;
    file->ops = &snapshot_ops;
    if (!(file->flags & OPEN_READ))
        return 0;
    struct text *text = take_snapshot(what);
    if (is_err(text))
        return ptr_err(text);
    file->private = text;
    return 0;
}
