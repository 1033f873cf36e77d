/*
 * What test suites are written with: cowtest and usertests are two.
 *
 * A test runs in a process of its own. It comes back if all is well and calls
 * fail() if not; so do the processes it makes, which end with status 0 then.
 * Whatever a test leaves open or allocated goes with its process. The names
 * are plain words, as a program that does not include this has none of them.
 */
#ifndef CALF_USER_SUITE_H
#define CALF_USER_SUITE_H

#include "calf.h"

/*
 * Where fail() writes; the runner of the tests reads the other end. A zero ends
 * each report there.
 */
extern int report_fd;

/*
 * Ends this process with status 1; the reason, and where it was found, goes to
 * report_fd. expect() does so when something is not the case.
 */
#define fail(...) fail_at(__FILE__, __LINE__, __VA_ARGS__)
#define expect(condition)                                                      \
    do {                                                                       \
        if (!(condition))                                                      \
            fail("not so: %s", #condition);                                    \
    } while (0)

void fail_at(const char *file, int line, const char *format, ...)
    CALF_FORMAT(3, 4) __attribute__((noreturn));

/* 1 if there is a /proc to ask, which other systems need not have. */
int can_audit(void);

/* 0 if /proc/audit finds nothing wrong, else -1 with the reason in why. */
int audit_is_clean(char *why, uint size);

/* How many objects the kernel has, and how many pages are free or used, for
 * each kind of use, when all is given up that is kept for speed. */
#define PAGE_KINDS 8
void count_pages(long counts[PAGE_KINDS]);

/*
 * Waits, at most `tries` tenths of a second, until there are as many objects
 * and free pages as before: dead processes take a moment to be gone. 0, or -1
 * with the differences in why.
 */
int compare_pages(const long before[PAGE_KINDS], int tries, char *why,
                  uint size);

/* fork() that fails the test when it fails. */
int start(void);

/* Waits for any child and returns its status. */
int wait_one(void);

/*
 * Waits for so many children; each has to end with status 0. One that has
 * status 1 has said why.
 */
void finish(int children);

/* Runs action() in a child: its status. 0 if the action comes back. */
int status_of(void (*action)(void));

/* Runs action(argument) in a child: 1 if it was killed, 0 if it got through. */
int dies(void (*action)(uint64), uint64 argument);

/* Loads and stores a byte; to be given to dies(). */
void load_byte(uint64 address);
void store_byte(uint64 address);

/*
 * Writes to each page of this program's data and of its stack, so that no
 * later write there needs memory, and none in the process it was forked from.
 */
void settle(void);

/* Takes all memory there is, down to single pages; returns the pages. */
long take_everything(void);

#endif
