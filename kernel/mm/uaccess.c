/*
 * Copies to and from user memory. See uaccess.h.
 */
#include "mm/uaccess.h"
#include "arch/hal.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "lib/mutate.h"
#include "lib/string.h"
#include "sched/lockrank.h"
#ifdef MUTANT
#include "mm/pt.h"
#include "mm/space.h"
#endif

bool user_range_ok(uint64_t va, uint64_t length)
{
    return length <= HAL_USER_TOP && va <= HAL_USER_TOP - length;
}

static bool may_copy(uint64_t va, size_t length)
{
    lockrank_assert_below(LOCK_SPACE_LIST);
    return user_range_ok(va, length);
}

int user_read(void *to, uint64_t from, size_t length)
{
    return may_copy(from, length) ? hal_user_read(to, from, length) : -EFAULT;
}

#ifdef MUTANT

/* What kernels without an MMU path do, done wrong: write where the entry
 * points, without asking whether the page is shared. */
static int write_through(uint64_t to, const char *from, size_t length)
{
    while (length) {
        size_t piece = MIN(length, HAL_PAGE_SIZE - to % HAL_PAGE_SIZE);
        struct page *page = space_peek(space_current(), to);
        if (!page && hal_user_write(to, from, piece))
            return -EFAULT;
        if (page)
            memcpy((char *)page_data(page) + to % HAL_PAGE_SIZE, from, piece);
        to += piece;
        from += piece;
        length -= piece;
    }
    return 0;
}

static int mutant_write(uint64_t to, const char *from, size_t length)
{
    size_t first = 0;
    int error = 0;
    if (!MUTATE(4)) {
        first = MUTATE(5) ? HAL_PAGE_SIZE - to % HAL_PAGE_SIZE : length;
        first = MIN(first, length);
        error = hal_user_write(to, from, first);
    }
    if (MUTATE(6) && error)
        return write_through(to, from, length);
    return error ? error
                 : write_through(to + first, from + first, length - first);
}

#endif

int user_write(uint64_t to, const void *from, size_t length)
{
    if (!may_copy(to, length))
        return -EFAULT;
#ifdef MUTANT
    if (MUTATE(4) || MUTATE(5) || MUTATE(6))
        return mutant_write(to, from, length);
#endif
    return hal_user_write(to, from, length);
}

int user_clear(uint64_t to, size_t length)
{
    return may_copy(to, length) ? hal_user_clear(to, length) : -EFAULT;
}

int user_read_string(char *to, uint64_t from, size_t size)
{
    if (!may_copy(from, 1))
        return -EFAULT;
    /* Beyond the top there is nothing a string could end in. */
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

int cursor_put(struct cursor *cursor, const void *from, size_t length)
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
