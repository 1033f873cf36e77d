/*
 * Copies to and from user memory. See uaccess.h.
 */
#include "mm/uaccess.h"
#include "arch/hal.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "sched/lockrank.h"
#include "sched/thread.h"

bool user_range_ok(uint64_t va, uint64_t length)
{
    return length <= HAL_USER_TOP && va <= HAL_USER_TOP - length;
}

/* A long transfer is several copies; a kill ends it here, between two. */
static bool may_copy(uint64_t va, size_t length)
{
    lockrank_assert_below(LOCK_ORPHANS);
    return user_range_ok(va, length) && !thread_killed(thread_current());
}

int user_read(void *to, uint64_t from, size_t length)
{
    return may_copy(from, length) ? hal_user_read(to, from, length) : -EFAULT;
}

int user_write(uint64_t to, const char *from, size_t length)
{
    return may_copy(to, length) ? hal_user_write(to, from, length) : -EFAULT;
}

int user_clear(uint64_t to, size_t length)
{
    return may_copy(to, length) ? hal_user_clear(to, length) : -EFAULT;
}

int user_read_string(char *to, uint64_t from, size_t size)
{
    if (!may_copy(from, 1))
        return -EFAULT;
    /* A string without a NUL up to the top of user space goes beyond it. */
    bool cut = size > HAL_USER_TOP - from;
    if (cut)
        size = HAL_USER_TOP - from;
    int length = hal_user_read_string(to, from, size);
    return length == -ENAMETOOLONG && cut ? -EFAULT : length;
}

static void advance(struct cursor *cursor, size_t length)
{
    cursor->address += length;
    cursor->left -= length;
}

int cursor_put(struct cursor *cursor, const char *from, size_t length)
{
    if (!cursor->user)
        memcpy((void *)(uintptr_t)cursor->address, from, length);
    else if (user_write(cursor->address, from, length))
        return -EFAULT;
    advance(cursor, length);
    return 0;
}

int cursor_take(struct cursor *cursor, void *to, size_t length)
{
    if (!cursor->user)
        memcpy(to, (const void *)(uintptr_t)cursor->address, length);
    else if (user_read(to, cursor->address, length))
        return -EFAULT;
    advance(cursor, length);
    return 0;
}

int cursor_put_zeros(struct cursor *cursor, size_t length)
{
    if (!cursor->user)
        memset((void *)(uintptr_t)cursor->address, 0, length);
    else if (user_clear(cursor->address, length))
        return -EFAULT;
    advance(cursor, length);
    return 0;
}
