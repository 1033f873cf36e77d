/*
 * What the works of the benchmark share: the memory they work in, samples and
 * how a result is printed.
 *
 * A work runs over a block of memory of which every page was written and is
 * the process's own (its size is the SIZE_MB of the output, 0 for none), or
 * needs no block at all. It prints one line a figure:
 *
 *     NAME SIZE_MB VALUE UNIT
 *
 * and a line that begins with # when it cannot be done, with the reason. A line
 * `+ NAME SIZE_MB` tells the host that a measurement starts which it may watch,
 * and which ends with its figure.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "port.h"

#include <stdbool.h>

#define PAGES_A_MB 256

/* The pages that one lowest node of the page table leads to. */
#define PAGES_A_NODE 512

/* A block of memory. */
struct block {
    char *base;
    long megabytes;
    long pages;
};

/*
 * Samples of one figure, and their median. Taking them ends after the rounds
 * that were asked for, or earlier if that takes long (but never before the
 * first): guest time is what is limited, so the same machine takes the same
 * number every time.
 *
 *     struct samples samples = {0};
 *     while (samples_wanted(&samples))
 *         samples_add(&samples, value);
 *     samples_report(&samples, "name", megabytes, "ns");
 */
#define MAX_ROUNDS 31

struct samples {
    uint64_t value[MAX_ROUNDS];
    uint64_t started;
    int count;
};

bool samples_wanted(struct samples *samples);
void samples_add(struct samples *samples, uint64_t value);
void samples_report(struct samples *samples, const char *name, long size,
                    const char *unit);

/* What one round may take before it must come to its end, in guest time. */
#define ROUND_NS 50000000

/* Prints one result. */
void report(const char *name, long size, uint64_t value, const char *unit);

/* Prints that the measurement of such a result starts. */
void report_start(const char *name, long size);

/* Prints a line why a figure is missing. */
void report_missing(const char *name, long size, const char *why);

/* Ends everything with a message; also from a child, whose parent then sees a
 * status that is not 0. */
void give_up(const char *why) __attribute__((noreturn));

/* fork that gives up. */
int must_fork(void);

/* Waits for one child; gives up if that did not end well. */
void must_wait(void);

/* Writes one byte of every STEP-th page of [FIRST, FIRST + COUNT). */
void write_pages(const struct block *block, long first, long count, long step);

/* Reads one byte of every page. */
void read_pages(const struct block *block);

/* True if so many more frames are free, and some to spare. */
bool frames_fit(long frames);

/* Whether fork of this block is possible at all; if not, prints that NAME is
 * missing. */
bool fork_works(const struct block *block, const char *name);

/* The works; what each measures is said in the table in main.c. */
void work_null_call(const struct block *block);
void work_pipe_same(const struct block *block);
void work_pipe_other(const struct block *block);
void work_context_switch(const struct block *block);
void work_file_read(const struct block *block);
void work_disk_read(const struct block *block);
void work_disk_read_cached(const struct block *block);
void work_disk_write(const struct block *block);
void work_disk_files(const struct block *block);
void work_disk_files_synced(const struct block *block);
void work_zero_fault(const struct block *block);
void work_fork_call(const struct block *block);
void work_fork_exit_wait(const struct block *block);
void work_fork_exec(const struct block *block);
void work_cow_fault(const struct block *block);
void work_cow_fault_sparse(const struct block *block);
void work_reuse_fault(const struct block *block);
void work_reuse_claimed(const struct block *block);
void work_whole(const struct block *block);
void work_idle_forks(const struct block *block);
void work_fork_rate(const struct block *block);

/* Options of the command line. */
extern int rounds;
extern int forkers;

#endif
