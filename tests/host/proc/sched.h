/*
 * A scheduler for kernel/proc on the host: each of the kernel's threads is a
 * thread of the host that has one of the machine's harts while it runs, and
 * none while it sleeps. Hart 0 is always the test's own.
 *
 * A program is a function of the test. The program counter is its number, so
 * that fork and exec, which set it, choose what runs.
 */
#ifndef TESTS_PROC_SCHED_H
#define TESTS_PROC_SCHED_H

#include <stdint.h>

/* Where programs lie: number n at USER_TEXT + 2 * n. The test's. */
#define USER_TEXT 0x10000ul
extern void (*const user_programs[])(void);

/* What happens on the way out of the kernel and whenever a program is
 * interrupted: a killed task does not come back. Others run meanwhile. */
void user_tick(void);

/* How often the machine was asked to power off; the thread stays there. */
extern _Atomic unsigned machine_powered_off;

#endif
