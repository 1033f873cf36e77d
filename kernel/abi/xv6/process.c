/*
 * xv6 calls about processes, memory and time.
 */
#include "abi/xv6/xv6.h"
#include "lib/errno.h"
#include "mm/page.h"
#include "mm/uaccess.h"

int64_t xv6_fork(struct process *, struct hal_frame *)
{
    return process_fork();
}

int64_t xv6_exit(struct process *, struct hal_frame *frame)
{
    process_exit(call_int(frame, 0));
}

/* The address is tried before the wait, so that no status is lost. */
int64_t xv6_wait(struct process *, struct hal_frame *frame)
{
    uint64_t to = call_address(frame, 0);
    int status;
    if (to && (user_read(&status, to, sizeof status) ||
               user_write(to, user_bytes(&status), sizeof status)))
        return -EFAULT;
    int pid = process_wait(&status);
    if (pid > 0 && to && user_write(to, user_bytes(&status), sizeof status))
        return -EFAULT;
    return pid;
}

int64_t xv6_kill(struct process *, struct hal_frame *frame)
{
    return process_kill(call_int(frame, 0));
}

int64_t xv6_getpid(struct process *self, struct hal_frame *)
{
    return self->pid;
}

int64_t xv6_sbrk(struct process *, struct hal_frame *frame)
{
    enum { LAZY = 2 };
    uint64_t old;
    int error = process_move_break(call_int(frame, 0),
                                   call_int(frame, 1) == LAZY, &old);
    return error ? error : (int64_t)old;
}

int64_t xv6_pause(struct process *, struct hal_frame *frame)
{
    int32_t ticks = call_int(frame, 0);
    if (ticks <= 0)
        return 0;
    return thread_sleep_until(hal_time() + ticks * XV6_TICK);
}

int64_t xv6_uptime(struct process *, struct hal_frame *)
{
    return hal_time() / XV6_TICK;
}

/* Gather the strings that the zero-terminated array at `array` points at. */
static int get_arguments(uint64_t array, struct exec_arguments *arguments)
{
    for (;; array += sizeof(uint64_t)) {
        uint64_t string;
        if (user_read(&string, array, sizeof string))
            return -EFAULT;
        if (!string)
            return 0;
        if (arguments->count + 1 >= XV6_ARGUMENTS)
            return -E2BIG;
        int length =
            user_read_string(arguments->strings + arguments->size, string,
                             EXEC_STRINGS_SIZE - arguments->size);
        if (length < 0)
            return length;
        arguments->size += length + 1;
        arguments->count++;
    }
}

int64_t xv6_exec(struct process *, struct hal_frame *frame)
{
    char path[XV6_PATH];
    int error = call_path(frame, 0, path);
    if (error)
        return error;
    struct page *buffer = page_alloc(PAGE_KERNEL);
    if (!buffer)
        return -ENOMEM;
    struct exec_arguments arguments = {.strings = page_data(buffer)};
    error = get_arguments(call_address(frame, 1), &arguments);
    if (!error)
        error = process_exec(path, &arguments);
    page_put(buffer);
    return error ? error : (int64_t)arguments.count;
}
