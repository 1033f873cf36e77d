/*
 * Filling a file system from a cpio archive, through the same verbs a process
 * would use, so that any file system can be filled.
 *
 * Several names of one file come as entries with one number; one of them, not
 * always the first, has the contents. The first makes the file, the others are
 * links to it, and whichever has contents writes them.
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

struct unpacking {
    struct fs_context *context;
    struct cpio cpio;
};

static int write_contents(struct fs_context *context,
                          const struct cpio_entry *entry)
{
    struct cursor cursor = cursor_kernel(entry->data, entry->size);
    struct file *file;
    ssize_t written = 0;
    int result =
        vfs_open(context, NULL, entry->name, OPEN_CREATE | OPEN_WRITE, &file);
    if (result)
        return result;
    if (entry->size)
        written = file_write(file, &cursor);
    file_put(file);
    if (written < 0)
        return (int)written;
    return (size_t)written == entry->size ? 0 : -ENOSPC;
}

/* The first name in the archive of the file that has several; numbers of files
 * mean nothing beyond it. */
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

static int unpack_file(struct unpacking *unpacking,
                       const struct cpio_entry *entry)
{
    struct fs_context *context = unpacking->context;
    const char *first = entry->name;
    int result = vfs_unlink(context, NULL, entry->name);
    if (result && result != -ENOENT)
        return result;
    if (entry->nlink > 1)
        first = first_name(&unpacking->cpio, entry);
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

static int unpack_attributes(struct fs_context *context,
                             const struct cpio_entry *entry)
{
    int64_t time = entry->mtime * REALTIME_SECOND;
    struct file_stat to = {.mode = entry->mode & MODE_MASK,
                           .owner = entry->uid,
                           .group = entry->gid,
                           .accessed = time,
                           .modified = time};
    return vfs_setattr(context, NULL, entry->name, false, SET_ALL, &to);
}

static int unpack_entry(struct unpacking *unpacking,
                        const struct cpio_entry *entry)
{
    int result = -ENOSYS;
    if ((entry->mode & MODE_TYPE) == MODE_DIRECTORY)
        result = unpack_directory(unpacking->context, entry->name);
    if ((entry->mode & MODE_TYPE) == MODE_FILE)
        result = unpack_file(unpacking, entry);
    return result ? result : unpack_attributes(unpacking->context, entry);
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
    struct unpacking unpacking = {.context = context};
    struct cpio_entry entry;
    int more, result, first = 0;
    cpio_open(&unpacking.cpio, archive, size);
    while ((more = cpio_next(&unpacking.cpio, &entry)) == 1) {
        result = unpack_entry(&unpacking, &entry);
        if (!result)
            continue;
        kprintf("calf: initrd: %s: %s (error %d)\n", entry.name, reason(result),
                -result);
        if (!first)
            first = result;
    }
    if (more < 0) {
        kprintf("calf: initrd: damaged at byte %zu of %zu: %s\n",
                unpacking.cpio.offset, size, unpacking.cpio.error);
        return more;
    }
    return first;
}
