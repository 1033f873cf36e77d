/*
 * Calls about files. Directories are read as xv6's records of 16 bytes.
 */
#include "abi/xv6/xv6.h"
#include "ipc/pipe.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "sched/realtime.h"

enum {
    XV6_WRONLY = 1,
    XV6_RDWR = 2,
    XV6_CREATE = 0x200,
    XV6_TRUNC = 0x400,
};

#define MAJOR_MOST ((uint16_t)0xfff)

struct __attribute__((packed)) xv6_stat {
    int32_t device;
    uint32_t inode;
    int16_t type, links;
    uint32_t unused;
    uint64_t size;
};

struct __attribute__((packed)) xv6_record {
    uint16_t inode;
    char name[XV6_NAME]; /* terminated only if shorter */
};

/* All of its fields have 64 bits, so there is no padding. */
struct __attribute__((packed)) calf_stat {
    struct file_stat stat;
};

_Static_assert(sizeof(struct xv6_stat) == 24 &&
                   sizeof(struct xv6_record) == DIRECTORY_SLOT_SIZE &&
                   sizeof(struct calf_stat) == 13 * sizeof(uint64_t) &&
                   INODE_LINK == 4,
               "as programs know them");

static struct file *call_file(struct process *self, struct hal_frame *frame)
{
    return file_table_find(self->files, call_int(frame, 0));
}

int64_t xv6_open(struct process *self, struct hal_frame *frame)
{
    char path[XV6_PATH];
    int32_t mode = call_int(frame, 1);
    unsigned flags = OPEN_NO_HOLES;
    int error = call_path(frame, 0, path);
    if (error)
        return error;
    flags |= mode & XV6_WRONLY ? 0 : OPEN_READ;
    flags |= mode & (XV6_WRONLY | XV6_RDWR) ? OPEN_WRITE : 0;
    flags |= mode & XV6_CREATE ? OPEN_CREATE : 0;
    flags |= mode & XV6_TRUNC ? OPEN_TRUNCATE : 0;
    /* The descriptor is taken first: if none is free, no file is made or
     * truncated. */
    int fd = file_table_install(self->files, NULL);
    if (fd < 0)
        return fd;
    struct file *file = NULL;
    error = vfs_open(self->fs, NULL, path, flags, &file);
    if (!error && mode && file_is_directory(file)) {
        file_put(file);
        file = NULL;
        error = -EISDIR;
    }
    file_table_fill(self->files, fd, file);
    return error ? error : fd;
}

int64_t xv6_close(struct process *self, struct hal_frame *frame)
{
    struct file *file = file_table_remove(self->files, call_int(frame, 0));
    if (!file)
        return -EBADF;
    file_put(file);
    return 0;
}

int64_t xv6_dup(struct process *self, struct hal_frame *frame)
{
    struct file *file = call_file(self, frame);
    if (!file)
        return -EBADF;
    int fd = file_table_install(self->files, file);
    if (fd < 0)
        file_put(file);
    return fd;
}

/* A directory record of xv6 has 16 bits for the inode number; 0 means that the
 * record is empty, so no other number may become 0. */
static uint16_t short_number(uint64_t number)
{
    return number ? (number - 1) % 0xffff + 1 : 0;
}

static void encode(const struct directory_entry *entry,
                   char out[sizeof(struct xv6_record)])
{
    struct xv6_record record = {.inode = short_number(entry->number)};
    memcpy(record.name, entry->name, MIN(entry->length, (size_t)XV6_NAME));
    memcpy(out, user_bytes(&record), sizeof record);
}

static ssize_t read_any(struct file *file, struct cursor *cursor)
{
    return file_is_directory(file) ? file_read_directory(file, cursor, encode)
                                   : file_read(file, cursor);
}

static inline int64_t move(struct process *self, struct hal_frame *frame,
                           ssize_t (*verb)(struct file *, struct cursor *))
{
    struct cursor cursor;
    int error = call_buffer(frame, 1, &cursor);
    if (error)
        return error;
    struct file *file = call_file(self, frame);
    if (!file)
        return -EBADF;
    int64_t result = verb(file, &cursor);
    file_put(file);
    return result;
}

int64_t xv6_read(struct process *self, struct hal_frame *frame)
{
    return move(self, frame, read_any);
}

int64_t xv6_write(struct process *self, struct hal_frame *frame)
{
    return move(self, frame, file_write);
}

int64_t xv6_fstat(struct process *self, struct hal_frame *frame)
{
    struct file *file = call_file(self, frame);
    struct file_stat stat;
    if (!file)
        return -EBADF;
    file_stat(file, &stat);
    file_put(file);
    if (stat.type > INODE_DEVICE)
        return -EINVAL; /* a pipe */
    struct xv6_stat out = {.device = stat.device,
                           .inode = short_number(stat.number),
                           .type = stat.type,
                           .links = stat.links,
                           .size = stat.size};
    return user_write(call_address(frame, 1), user_bytes(&out), sizeof out);
}

int64_t xv6_pipe(struct process *self, struct hal_frame *frame)
{
    struct file *ends[2];
    int32_t fds[2];
    int error = 0;
    for (int i = 0; i < 2; i++)
        fds[i] = file_table_install(self->files, NULL);
    if (fds[0] < 0 || fds[1] < 0)
        error = MIN(fds[0], fds[1]);
    else if (user_write(call_address(frame, 0), user_bytes(fds), sizeof fds))
        error = -EFAULT;
    else
        error = pipe_make(&ends[0], &ends[1]);
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            file_table_fill(self->files, fds[i], error ? NULL : ends[i]);
    return error;
}

/* on_path does the calls with one path, on_paths those with two. */
static int64_t on_path(struct process *self, struct hal_frame *frame,
                       int (*verb)(struct fs_context *, struct inode *,
                                   const char *))
{
    char path[XV6_PATH];
    int error = call_path(frame, 0, path);
    return error ? error : verb(self->fs, NULL, path);
}

static int call_paths(struct hal_frame *frame, char first[XV6_PATH],
                      char second[XV6_PATH])
{
    int error = call_path(frame, 0, first);
    return error ? error : call_path(frame, 1, second);
}

static int64_t on_paths(struct process *self, struct hal_frame *frame,
                        int (*verb)(struct fs_context *, struct inode *,
                                    const char *, struct inode *, const char *))
{
    char old[XV6_PATH], new[XV6_PATH];
    int error = call_paths(frame, old, new);
    return error ? error : verb(self->fs, NULL, old, NULL, new);
}

int64_t xv6_unlink(struct process *self, struct hal_frame *frame)
{
    return on_path(self, frame, vfs_remove);
}

int64_t xv6_mkdir(struct process *self, struct hal_frame *frame)
{
    return on_path(self, frame, vfs_mkdir);
}

int64_t xv6_chdir(struct process *self, struct hal_frame *frame)
{
    return on_path(self, frame, vfs_chdir);
}

int64_t xv6_link(struct process *self, struct hal_frame *frame)
{
    return on_paths(self, frame, vfs_link);
}

/* A major too large for a disk's record becomes one without a driver. */
int64_t xv6_mknod(struct process *self, struct hal_frame *frame)
{
    char path[XV6_PATH];
    uint16_t major = call_int(frame, 1);
    int error = call_path(frame, 0, path);
    return error ? error
                 : vfs_mknod(self->fs, NULL, path, MIN(major, MAJOR_MOST),
                             call_int(frame, 2));
}

/* ---- Calf's own (calf.tbl) ----------------------------------------------- */

int64_t xv6_rename(struct process *self, struct hal_frame *frame)
{
    return on_paths(self, frame, vfs_rename);
}

int64_t xv6_symlink(struct process *self, struct hal_frame *frame)
{
    char target[XV6_PATH], path[XV6_PATH];
    int error = call_paths(frame, target, path);
    return error ? error : vfs_symlink(self->fs, target, NULL, path);
}

int64_t xv6_readlink(struct process *self, struct hal_frame *frame)
{
    char path[XV6_PATH];
    struct cursor cursor;
    int error = call_buffer(frame, 1, &cursor);
    if (!error)
        error = call_path(frame, 0, path);
    return error ? error : vfs_read_link(self->fs, NULL, path, &cursor);
}

int64_t xv6_lstat(struct process *self, struct hal_frame *frame)
{
    char path[XV6_PATH];
    struct calf_stat out;
    struct file_stat stat;
    int error = call_path(frame, 0, path);
    if (!error)
        error = vfs_stat(self->fs, NULL, path, false, &stat);
    if (error)
        return error;
    out.stat = stat;
    return user_write(call_address(frame, 1), user_bytes(&out), sizeof out);
}

/* The least number, in place of a time, means now. */
static int64_t call_time(int64_t time)
{
    return time == INT64_MIN ? realtime() : time;
}

int64_t xv6_setattr(struct process *self, struct hal_frame *frame)
{
    char path[XV6_PATH];
    struct file_stat to;
    int error = call_path(frame, 0, path);
    if (!error)
        error = user_read(&to, call_address(frame, 2), sizeof to);
    if (error)
        return error;
    to.accessed = call_time(to.accessed);
    to.modified = call_time(to.modified);
    return vfs_setattr(self->fs, NULL, path, true, (uint32_t)call_int(frame, 1),
                       &to);
}
