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

_Static_assert(sizeof(struct calf_stat) == 13 * sizeof(uint64_t),
               "as user/include/calf.h has it");

int64_t xv6_lstat(struct process *self, struct hal_frame *frame)
{
    char path[XV6_PATH];
    struct calf_stat out;
    struct file_stat stat;
    int error = call_path(frame, 0, path);
    if (!error)
        error = vfs_stat(self->fs, path, &stat);
    out.stat = stat;
    return error ? error
                 : user_write(call_address(frame, 1), user_bytes(&out),
                              sizeof out);
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
    return vfs_setattr(self->fs, path, (uint32_t)call_int(frame, 1), &to);
}
