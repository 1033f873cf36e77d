/*
 * One mutex guards a pipe, also while bytes are copied from and to user memory.
 * Positions in the ring only grow, and are taken modulo its size when they are
 * used, so a full ring differs from an empty one.
 */
#include "ipc/pipe.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "mm/slab.h"

struct pipe {
    struct mutex mutex; /* guards everything below but `ends` */
    struct waitq readers, writers;
    uint64_t taken, put; /* bytes read and written so far */
    bool has_reader, has_writer;
    _Atomic uint32_t ends; /* open files; the last frees the pipe */
    char ring[PIPE_SIZE];
};

/* Move bytes out of the ring, or into it, at `*position` and on to `end`: 0, or
 * -EFAULT. */
static inline int move(struct pipe *pipe, struct cursor *cursor,
                       uint64_t *position, uint64_t end, bool out)
{
    int result = 0;
    while (cursor->left && *position != end && !result) {
        size_t at = *position % PIPE_SIZE;
        size_t length = MIN(end - *position, PIPE_SIZE - at);
        length = MIN(length, cursor->left);
        result = out ? cursor_put(cursor, &pipe->ring[at], length)
                     : cursor_take(cursor, &pipe->ring[at], length);
        if (!result)
            *position += length;
    }
    return result;
}

static ssize_t pipe_read(struct file *file, struct cursor *cursor)
{
    struct pipe *pipe = file->private;
    size_t length = cursor->left;
    int result = 0;
    if (!length)
        return 0;
    mutex_lock(&pipe->mutex);
    while (pipe->taken == pipe->put && pipe->has_writer && !result)
        result = waitq_sleep_mutex(&pipe->readers, &pipe->mutex,
                                   SLEEP_INTERRUPTIBLE);
    if (!result)
        result = move(pipe, cursor, &pipe->taken, pipe->put, true);
    length -= cursor->left;
    if (length)
        waitq_wake_all(&pipe->writers);
    mutex_unlock(&pipe->mutex);
    return length ? (ssize_t)length : result;
}

/* Wait until there is room for `wanted` bytes: 0, -EPIPE or -EINTR. */
static int wait_for_room(struct pipe *pipe, size_t wanted)
{
    int result = 0;
    while (pipe->has_reader && pipe->put + wanted > pipe->taken + PIPE_SIZE &&
           !result)
        result = waitq_sleep_mutex(&pipe->writers, &pipe->mutex,
                                   SLEEP_INTERRUPTIBLE);
    return pipe->has_reader ? result : -EPIPE;
}

static ssize_t pipe_write(struct file *file, struct cursor *cursor)
{
    struct pipe *pipe = file->private;
    size_t length = cursor->left;
    size_t wanted = length <= PIPE_SIZE ? length : 1;
    int result = 0;
    mutex_lock(&pipe->mutex);
    while (cursor->left && !result) {
        result = wait_for_room(pipe, wanted);
        if (!result) {
            uint64_t end = pipe->taken + PIPE_SIZE;
            result = move(pipe, cursor, &pipe->put, end, false);
            waitq_wake_all(&pipe->readers);
        }
    }
    mutex_unlock(&pipe->mutex);
    if (result == -EPIPE || (result && cursor->left == length))
        return result;
    return (ssize_t)(length - cursor->left);
}

/* Writable only when empty: so a write of PIPE_SIZE bytes does not wait. */
static unsigned pipe_poll(struct file *file, struct wait_set *set)
{
    struct pipe *pipe = file->private;
    bool reads = file->flags & OPEN_READ;
    unsigned ready;
    mutex_lock(&pipe->mutex);
    bool empty = pipe->taken == pipe->put;
    wait_set_join(set, reads ? &pipe->readers : &pipe->writers);
    if (reads)
        ready =
            (empty ? 0 : POLL_READABLE) | (pipe->has_writer ? 0 : POLL_HANGUP);
    else if (pipe->has_reader)
        ready = empty ? POLL_WRITABLE : 0;
    else
        ready = POLL_WRITABLE | POLL_ERROR;
    mutex_unlock(&pipe->mutex);
    return ready;
}

/* The last end frees the pipe. `ends` falls after the unlock, which touches the
 * mutex. */
static void pipe_close(struct file *file)
{
    struct pipe *pipe = file->private;
    mutex_lock(&pipe->mutex);
    if (file->flags & OPEN_READ)
        pipe->has_reader = false;
    else
        pipe->has_writer = false;
    waitq_wake_all(&pipe->readers);
    waitq_wake_all(&pipe->writers);
    mutex_unlock(&pipe->mutex);
    if (atomic_fetch_sub(&pipe->ends, 1) == 1)
        slab_free(pipe);
}

/* Both ends have these: a file's flags say which end it is. */
static const struct file_ops pipe_ops = {
    .read = pipe_read,
    .write = pipe_write,
    .poll = pipe_poll,
    .close = pipe_close,
};

static struct file *make_end(struct pipe *pipe, unsigned flags)
{
    struct file *file = file_alloc(flags);
    if (file)
        file->private = pipe;
    return file;
}

int pipe_make(struct file **reader, struct file **writer)
{
    struct pipe *pipe = slab_alloc(sizeof(*pipe));
    if (!pipe)
        return -ENOMEM;
    *reader = make_end(pipe, OPEN_READ);
    *writer = make_end(pipe, OPEN_WRITE);
    if (!*reader || !*writer) {
        /* Without operations yet: pipe_close is not called. */
        file_put(*reader);
        file_put(*writer);
        slab_free(pipe);
        return -ENOMEM;
    }
    mutex_init(&pipe->mutex, LOCK_PIPE);
    waitq_init(&pipe->readers);
    waitq_init(&pipe->writers);
    pipe->taken = pipe->put = 0;
    pipe->has_reader = pipe->has_writer = true;
    atomic_init(&pipe->ends, 2);
    (*reader)->ops = (*writer)->ops = &pipe_ops;
    return 0;
}
