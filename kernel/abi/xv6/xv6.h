/*
 * The xv6 ABI: what programs written for xv6-riscv see. The rest is for the
 * files of this folder: arguments, and the handlers that the tables name.
 */
#ifndef ABI_XV6_XV6_H
#define ABI_XV6_XV6_H

#include "arch/hal.h"
#include "lib/errno.h"
#include "mm/uaccess.h"
#include "proc/process.h"

extern const struct abi xv6_abi;

/* Paths are shorter than this, names in them are truncated to XV6_NAME. */
#define XV6_PATH 128
#define XV6_NAME 14
/* An exec has fewer arguments than this, and they fit one page. */
#define XV6_ARGUMENTS 32
/* The last two pages of user space are never mapped: xv6 uses them itself, and
 * programs rely on faults there. */
#define XV6_TOP (HAL_USER_TOP - 2 * HAL_PAGE_SIZE)
/* A tick, in nanoseconds. */
#define XV6_TICK 100000000ul

static inline int32_t call_int(const struct hal_frame *frame, int i)
{
    return (int32_t)hal_frame_argument(frame, i);
}

static inline uint64_t call_address(const struct hal_frame *frame, int i)
{
    return hal_frame_argument(frame, i);
}

/* Copy the path at argument `i`, and truncate its names; an empty one becomes
 * ".". 0 or -errno. */
int call_path(const struct hal_frame *frame, int i, char path[XV6_PATH]);

/* The buffer and its length in arguments `i` and the next. The length may be
 * negative, the buffer outside of user space: -EFAULT. */
static inline int call_buffer(const struct hal_frame *frame, int i,
                              struct cursor *cursor)
{
    int32_t length = call_int(frame, i + 1);
    *cursor = cursor_user(call_address(frame, i), length);
    return length < 0 || !user_range_ok(cursor->address, length) ? -EFAULT : 0;
}

/* A program gets a handler's result, or -1 if that is negative. */
#define SYS(number, name, arguments)                                           \
    int64_t xv6_##name(struct process *self, struct hal_frame *frame);
#include "abi/xv6/xv6.tbl"
#include "abi/xv6/calf.tbl"
#undef SYS

#endif
