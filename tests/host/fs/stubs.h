/*
 * What tests of kernel/fs can set and see of the layers below, as stubs.c
 * plays them.
 */
#ifndef TESTS_FS_STUBS_H
#define TESTS_FS_STUBS_H

#include "mm/oom.h"
#include "mm/page.h"
#include "sched/mutex.h"

#define STUB_FRAMES 2048

/* The nth allocation (object or frame) from now fails; 0: none does. */
extern unsigned stub_fail_after;

/* Objects and frames handed out and not given back. */
extern long stub_objects, stub_frames;

/* What hal_time says; there is no other clock, so it is the time of day, too.
 */
extern uint64_t stub_time;

/* User memory whose address is at least this faults. */
extern uint64_t stub_fault_from;

/* What happens while a thread sleeps, having let go of its lock. Without it, a
 * sleeper is killed at once. */
extern void (*stub_while_asleep)(void);

/* The one that asked last to be called when memory runs out. */
extern struct shrinker *stub_shrinker;

/* Locks held now. */
extern unsigned stub_locks_held;

#endif
