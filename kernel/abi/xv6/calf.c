/*
 * The calls of calf.tbl: what programs written for xv6 know nothing of.
 */
#include "abi/xv6/call.h"
#include "lib/errno.h"
#include "mm/uaccess.h"
#include "sched/realtime.h"

/* All of its fields have 64 bits, so there are no holes. */
struct calf_stat {
    struct file_stat stat;
} __attribute__((packed));

_Static_assert(sizeof(struct calf_stat) == 13 * sizeof(uint64_t) &&
                   INODE_LINK == 4,
               "as user/include/calf.h has it");

int64_t xv6_rename(struct process *self, struct hal_frame *frame)
{
    char old[XV6_PATH], new[XV6_PATH];
    int error = call_paths(frame, old, new);
    return error ? error : vfs_rename(self->fs, NULL, old, NULL, new);
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

/* The least number in place of a time: now. */
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
