/*
 * A machine for kernel/mm on the host: memory, harts, and a translation cache
 * that does not forgive.
 *
 * Each hart caches what it walks, leaves and non-leaf entries alike, and keeps
 * it until exactly the flush the architecture asks for; a program's access
 * that hits is served from there, however the tables have changed. Misses are
 * remembered too, and so are fetched instructions. When a page is freed that
 * some hart can still reach by its cache, the test dies: put before shootdown.
 *
 * Two ways to have several harts. A test that calls mm_on_hart plays them all
 * from one thread, repeatably: mm_set_interleave gives it every point where
 * another hart could come between. Or threads of the host call mm_on_hart with
 * a number of their own and race.
 */
#ifndef TESTS_MM_HAL_H
#define TESTS_MM_HAL_H

#include "mm/space.h"
#include "sched/thread.h"

#define MM_HARTS 4

/* Make the harts, and be hart 0. */
void mm_start(void);

/* That, and set up the kernel's allocators and spaces with `bytes` of memory,
 * once.
 */
void mm_boot(uint64_t bytes);

/* This thread is hart `hart` from now on. */
void mm_on_hart(unsigned hart);

/* All harts that have entered `space` leave it; for a test of one thread. */
void mm_leave(struct space *space);

/* Call `hook` wherever another hart could come between: before a spinlock is
 * taken while none is held, after the last one is let go, and before a
 * shootdown. NULL: never. */
void mm_set_interleave(void (*hook)(bool shootdown));

/* How often one access may fault before the tables are wrong: once, unless
 * other harts use the same space. */
extern unsigned mm_most_faults;

/* What a program of this hart's space does: touch `length` bytes at `va`, to
 * or from `data`. FAULT_SPURIOUS when all is done, else the fault that could
 * not be resolved; *done bytes (NULL allowed) were touched before it. */
enum fault mm_touch(uint64_t va, void *data, size_t length, enum access access,
                    size_t *done);

/* What the hart's cache has: touch one byte only if that takes no fault and no
 * walk. */
bool mm_touch_cached(uint64_t va, uint8_t *byte, enum access access);

/* Hardware may walk at any time: do so for `va`, without a fault. */
void mm_speculate(uint64_t va);

/* The program makes its stores to code visible: fence.i on all harts. */
void mm_fence_code(void);

/* Whether this hart has a space locked. */
bool mm_locks_a_space(void);

/* Compare every hart's cache with the tables it came from: the entries that
 * should have been flushed, each told on stderr. */
unsigned mm_stale_entries(void);

/* Audit; what differs, or is being changed, is told on stderr. 0: all is right
 * and at rest. */
unsigned mm_audit(void);

/* The byte a program would see at `va`, by the tables alone, disturbing
 * nothing; NULL when no page is there. */
const uint8_t *mm_peek(const struct space *space, uint64_t va);

/* Called once before the test dies, of mm_fail or of a panic. */
void mm_set_epitaph(void (*tell)(void));

/* Say it on stderr and fail the test. */
_Noreturn void mm_fail(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

#endif
