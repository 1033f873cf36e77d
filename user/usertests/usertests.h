/*
 * usertests: what its tests share.
 *
 * Tests lie by subject in files of their own; each file has a table of them,
 * which main.c runs, each in a process and in a folder made for it. A test
 * removes the files it makes; what is left in its folder counts as a leak.
 */
#ifndef CALF_USERTESTS_H
#define CALF_USERTESTS_H

#include "suite.h"
#include "kernel/fcntl.h"
#include "kernel/file.h"
#include "kernel/fs.h"
#include "kernel/memlayout.h"
#include "kernel/param.h"
#include "kernel/riscv.h"
#include "kernel/stat.h"
#include "kernel/syscall.h"

enum test_flags {
    SLOW = 1,  /* left out by -q */
    NOISY = 2, /* the kernel reports faults and unknown calls, as it should */
};

struct test {
    const char *name;
    void (*run)(void);
    int flags;
};

/* Each ends with a test that has no name. */
extern const struct test argument_tests[];
extern const struct test memory_tests[];
extern const struct test exec_tests[];
extern const struct test process_tests[];
extern const struct test time_tests[];
extern const struct test pipe_tests[];
extern const struct test file_tests[];
extern const struct test directory_tests[];
extern const struct test full_tests[];

/* A path of this program, from any folder; and what `usertests @WORD ...` does:
 * it is the other end of the tests of exec. Returns the status. */
extern const char *self;
#define STATUS_NO_WORDS 41 /* of a start without any argument */
int other_end(int argc, char **argv);

/* The descriptor that is given out next. */
int lowest_free(void);

/* Any system call, with whole registers; the result as a whole, too. */
long raw_call(long number, long a0, long a1, long a2);

/* Makes a file of so many bytes, the i-th of which is pattern_byte(i). */
void make_file(const char *name, uint bytes);
char pattern_byte(uint i);

/* Fails unless the file has exactly these bytes. */
void check_file(const char *name, uint bytes);

/* open() and close(); fails the test when open() does. */
void touch(const char *name);

/* 1 if open() finds it. */
int exists(const char *name);

/* Fails unless unlink() succeeds. */
void remove_file(const char *name);

/* The heap's end, moved up to a page's start; the page below it is heap, too,
 * and not the stack with the words the program was started with. */
char *page_heap(void);

/*
 * How many pages a program can have, as programs find it out that know of no
 * other way: they take one after the other, themselves, or in a child that
 * writes to each and tells them through a pipe. -1: the child was killed.
 */
int count_by_growing(void);
int count_by_child(void);

/* A number that follows from the one before, for choices. */
uint next_random(uint *state);

/* Memory for tests to use as they like; contents are of no matter. */
#define WORK_BYTES (16 << 10)
extern char work[WORK_BYTES];

#endif
