/*
 * Panics. A panic is for a broken invariant of the kernel. No user, disk,
 * device or lack of memory can cause one.
 *
 * This layer only prints the message. A hook that is registered at boot does
 * the rest: it stops the other harts, shows registers and callers, and audits.
 */
#ifndef LIB_PANIC_H
#define LIB_PANIC_H

#include "lib/types.h"

/* Prints "calf: PANIC: " and the message, calls the hook, and never returns.
 * May be called with any locks held and in any context. A panic that comes
 * during another, on any hart, is marked as such in the message; after a few of
 * them nothing is printed. */
_Noreturn void panic(const char *format, ...)
    __attribute__((format(printf, 1, 2), cold));

/* Registers what a panic calls after its message; NULL for nothing. The hook
 * may be entered again, by a panic in it or on another hart. If it returns, the
 * hart spins for ever. */
void panic_set_hook(void (*hook)(void));

/* Whether there has been a panic. If so, code that prints must not wait for a
 * lock, as its holder may have died. From any context. */
bool panic_in_progress(void);

/* Debug builds panic if `condition` is false; others do not evaluate it. */
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
