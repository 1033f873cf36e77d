/*
 * cowtest: what its sections share.
 *
 * A section is a function that main.c runs in a process of its own, a test as
 * suite.h says it; here is what only tests of shared memory need.
 */
#ifndef CALF_COWTEST_H
#define CALF_COWTEST_H

#include "suite.h"
#include "kernel/fcntl.h"
#include "kernel/riscv.h"

/* The one file sections make; main.c removes it. */
#define SCRATCH_FILE "/cowtest.tmp"

/* The number of free pages, or a counter of /proc/meminfo. */
long counter(const char *name);

/* Grows the heap by so many pages; fails the section if it cannot. */
char *take_pages(long pages);

/* Gives the end of the heap back. */
void give_pages(long pages);

/*
 * Stamping marks each page, in several places, with tag and its index; checking
 * fails the section, naming who looked, if a page has other marks.
 */
void stamp(char *base, long index, uint64 tag);
void stamp_pages(char *base, long pages, uint64 tag);
void check_stamp(char *base, long index, uint64 tag, const char *who);
void check_pages(char *base, long pages, uint64 tag, const char *who);

/*
 * A pipe on which one process waits for another. Each says after the fork which
 * of the two it is: then the one that waits learns when the other is gone.
 */
struct signal {
    int ends[2];
};

void signal_make(struct signal *s);
void signal_i_send(struct signal *s);
void signal_i_wait(struct signal *s);
void signal_send(struct signal *s);
void signal_wait(struct signal *s);
void signal_drop(struct signal *s);

/* Makes SCRATCH_FILE, of bytes whose i-th is scratch_byte(i); opens it. */
int scratch_open(uint bytes);
char scratch_byte(uint i);

/* Another run of this program, with argument i equal to test_argument(i). */
#define ARGUMENT_MODE  "@arguments"
#define TEST_ARGUMENTS 20
extern const char *self;
const char *test_argument(uint i);

/* basic.c */
void test_simple(void);
void test_three(void);
void test_file(void);
void test_forkfork(void);
void test_readonly_sharing(void);
void test_deep_chain(void);
void test_exec_arguments(void);

/* sharing.c */
void test_text_stays_readonly(void);
void test_readonly_counted(void);
void test_fork_of_fork(void);
void test_many_sharers(void);
void test_parent_writes_first(void);
void test_survivor_claims(void);
void test_lazy_is_not_empty(void);
void test_random_operations(void);

/* usercopy.c */
void test_kernel_writes(void);
void test_copy_crosses_pages(void);
void test_guard_page(void);
void test_address_edges(void);

/* full.c */
void test_copy_without_memory(void);
void test_sole_owner_reuses(void);
void test_fork_without_memory(void);
void test_write_without_memory(void);

/* heap.c */
void test_shrink_in_pages(void);
void test_revoked_pages(void);
void test_zero_page(void);

/* code.c */
void test_new_instructions(void);

#endif
