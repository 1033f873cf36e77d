/*
 * Kernel access to user memory.
 *
 * Copies go through the MMU with the running process's translations. So the
 * fault function that serves user instructions copies a shared page, fills in a
 * missing one and refuses a forbidden one; nothing here walks tables. A copy
 * may fault and sleep, and a fault may write to a disk: no spinlock and no lock
 * of LOCK_ORPHANS or above is held; debug builds assert it.
 */
#ifndef MM_UACCESS_H
#define MM_UACCESS_H

#include "lib/types.h"

/* Whether [va, va+length) lies wholly in user space. An empty range may lie at
 * any address up to the top. */
bool user_range_ok(uint64_t va, uint64_t length);

/* The bytes of `*object`, to be copied out. Padding would show what memory held
 * before, so the compiler checks that there is none: the type must be a number,
 * or a packed structure with its gaps as fields. */
#define user_bytes(object)                                                     \
    ({                                                                         \
        _Static_assert(__alignof__(*(object)) == 1 ||                          \
                           __alignof__(*(object)) == sizeof(*(object)),        \
                       "a structure for programs is packed");                  \
        (const char *)(object);                                                \
    })

/* 0, or -EFAULT, also for a thread that has been killed; on failure an
 * unspecified part has been copied. */
int user_read(void *to, uint64_t from, size_t length);
int user_write(uint64_t to, const char *from, size_t length);
int user_clear(uint64_t to, size_t length);

/* A NUL-terminated string of less than `size` bytes: its length, or -EFAULT,
 * or -ENAMETOOLONG when longer. */
int user_read_string(char *to, uint64_t from, size_t size);

/*
 * Kernel or user memory that is read or written step by step. File operations
 * take a cursor, so they are the same for both.
 */
struct cursor {
    bool user;
    uint64_t address;
    size_t left;
};

static inline struct cursor cursor_user(uint64_t va, size_t length)
{
    return (struct cursor){true, va, length};
}

static inline struct cursor cursor_kernel(const void *at, size_t length)
{
    return (struct cursor){false, (uint64_t)(uintptr_t)at, length};
}

/* Move `length` bytes (at most cursor->left) and advance. 0; or -EFAULT: then
 * the cursor has not moved. Long transfers are made of calls of about a page
 * each, so that a kill can end them between two calls. */
int cursor_put(struct cursor *cursor, const char *from, size_t length);
int cursor_take(struct cursor *cursor, void *to, size_t length);
int cursor_put_zeros(struct cursor *cursor, size_t length);

#endif
