/*
 * Filling a file system from a cpio archive by the verbs on paths, so any file
 * system can be filled.
 *
 * Several names of one file are entries with one number; one of them, not
 * always the first, has the contents. The first makes the file, the others are
 * links to it, and the one that has contents writes them.
 */
#include "vfs/initrd.h"
#include "dev/cpio.h"
#include "vfs/file.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "sched/realtime.h"

#define MODE_TYPE      0170000
#define MODE_DIRECTORY 0040000
#define MODE_FILE      0100000

static int write_contents(struct fs_context *context,
                          const struct cpio_entry *entry)
{
    struct cursor cursor = cursor_kernel(entry->data, entry->size);
    struct file *file;
    ssize_t result =
        vfs_open(context, NULL, entry->name, OPEN_CREATE | OPEN_WRITE, &file);
    if (result)
        return (int)result;
    if (entry->size)
        result = file_write(file, &cursor);
    file_put(file);
    return result < 0 ? (int)result : cursor.left ? -ENOSPC : 0;
}

/* The first name that the archive has for the same file. Numbers of files mean
 * nothing in another archive. */
static const char *first_name(const struct cpio *cpio,
                              const struct cpio_entry *entry)
{
    struct cpio again = *cpio;
    struct cpio_entry other = *entry;
    again.offset = cpio->start;
    again.inside = false;
    while (cpio_next(&again, &other) == 1 && other.name != entry->name)
        if (other.ino == entry->ino && other.nlink > 1)
            break;
    return other.name;
}

static int unpack_file(struct fs_context *context, const struct cpio *cpio,
                       const struct cpio_entry *entry)
{
    const char *first = entry->name;
    int result = vfs_unlink(context, NULL, entry->name);
    if (result && result != -ENOENT)
        return result;
    if (entry->nlink > 1)
        first = first_name(cpio, entry);
    if (first != entry->name) {
        result = vfs_link(context, NULL, first, NULL, entry->name);
        if (result || !entry->size)
            return result;
    }
    return write_contents(context, entry);
}

static int unpack_directory(struct fs_context *context, const char *path)
{
    struct file_stat there;
    int result = vfs_mkdir(context, NULL, path);
    if (result == -EEXIST && vfs_stat(context, NULL, path, true, &there) == 0 &&
        there.type == INODE_DIRECTORY)
        return 0;
    return result;
}

static int unpack_entry(struct fs_context *context, const struct cpio *cpio,
                        const struct cpio_entry *entry)
{
    int64_t time = entry->mtime * REALTIME_SECOND;
    struct file_stat to = {.mode = entry->mode & MODE_MASK,
                           .owner = entry->uid,
                           .group = entry->gid,
                           .accessed = time,
                           .modified = time};
    int result = -ENOSYS;
    if ((entry->mode & MODE_TYPE) == MODE_DIRECTORY)
        result = unpack_directory(context, entry->name);
    if ((entry->mode & MODE_TYPE) == MODE_FILE)
        result = unpack_file(context, cpio, entry);
    return result
               ? result
               : vfs_setattr(context, NULL, entry->name, false, SET_ALL, &to);
}

static const char *reason(int error)
{
    switch (error) {
    case -ENOSYS:
        return "neither a file nor a directory";
    case -ENOENT:
    case -ENOTDIR:
        return "there is no directory for it";
    case -ENOSPC:
    case -ENOMEM:
        return "no memory is left for it";
    case -EEXIST:
    case -EISDIR:
        return "something else has its name";
    default:
        return "it cannot be made";
    }
}

int initrd_unpack(struct fs_context *context, const void *archive, size_t size)
{
    struct cpio cpio;
    struct cpio_entry entry;
    int more, result, first = 0;
    cpio_open(&cpio, archive, size);
    while ((more = cpio_next(&cpio, &entry)) == 1) {
        result = unpack_entry(context, &cpio, &entry);
        if (result)
            kprintf("calf: initrd: %s: %s (error %d)\n", entry.name,
                    reason(result), -result);
        first = first ? first : result;
    }
    if (more == 0)
        return first;
    kprintf("calf: initrd: damaged at byte %zu of %zu: %s\n", cpio.offset, size,
            cpio.error);
    return more;
}
