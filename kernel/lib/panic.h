/*
 * The end. A panic is for what cannot be: a broken invariant of the kernel's
 * own. Nothing that a user, a disk, a device or a lack of memory can bring
 * about ends here.
 *
 * This layer only prints the sentence. What a machine can add (stop the other
 * harts, show registers and a backtrace, audit, power off) comes from a hook
 * that the machine's code registers at boot.
 */
#ifndef LIB_PANIC_H
#define LIB_PANIC_H

#include "lib/types.h"

/*
 * Prints "calf: PANIC: " and the message, calls the hook, and never returns.
 * May be called with any locks held and in any context. Panics that come
 * while another is being dealt with, here or on another hart, say so; after a
 * few of those the caller just stops in silence.
 */
_Noreturn void panic(const char *format, ...)
    __attribute__((format(printf, 1, 2), cold));

/*
 * Registers what a panic calls after its message; NULL for nothing. The hook
 * can be entered again, by a panic inside itself or on another hart: it looks
 * at panic_depth() and does less. If it returns, the hart spins for ever.
 */
void panic_set_hook(void (*hook)(void));

/* How many panics there have been; 0 in health. Safe in any context. */
unsigned panic_depth(void);

/*
 * Is some hart dying? Then nobody may wait for a lock in order to print: its
 * holder may be the one that died.
 */
static inline bool panic_in_progress(void)
{
    return panic_depth() != 0;
}

/* In a debug build, panics if `condition` is false; else costs nothing. */
#ifdef DEBUG
#define ASSERT(condition)                                                      \
    do {                                                                       \
        if (__builtin_expect(!(condition), 0))                                 \
            panic("%s:%d: %s: not so: %s", __FILE__, __LINE__, __func__,       \
                  #condition);                                                 \
    } while (0)
#else
#define ASSERT(condition) ((void)sizeof(!(condition)))
#endif

#endif
