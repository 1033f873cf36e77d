/*
 * What fork costs, and what a page costs that fork has shared.
 *
 * Each is a mean over several forks or pages, for the clock's steps are long.
 * The writes of the fault works contain the loop that makes them, four
 * instructions a page.
 */
#include "bench.h"

#define FORKS  32   /* a round, if they do not take too long */
#define FAULTS 4096 /* pages, if there are as many */

/* What a child does between fork and exit. */
enum child { CHILD_EXITS, CHILD_EXECS };

static void be_child(enum child what)
{
    if (what == CHILD_EXECS)
        port_exec_nothing();
    port_exit(what == CHILD_EXITS ? 0 : 1);
}

/* One round: the mean of fork alone, and of all until the child is gone. */
static void time_forks(enum child what, uint64_t *call, uint64_t *all)
{
    uint64_t in_fork = 0, begin = port_clock_ns(), now;
    int forks = 0;

    do {
        uint64_t before = port_clock_ns();
        int pid = must_fork();
        if (pid == 0)
            be_child(what);
        in_fork += port_clock_ns() - before;
        must_wait();
        forks++;
        now = port_clock_ns();
    } while (forks < FORKS && now - begin < ROUND_NS);
    *call = in_fork / forks;
    *all = (now - begin) / forks;
}

/* Of the two figures of time_forks, the one asked for. */
static void sample_forks(const struct block *block, const char *name,
                         enum child what, bool call_alone)
{
    struct samples samples = {0};
    uint64_t call, all;

    /* The first one makes what is kept for later ones. */
    if (must_fork() == 0)
        be_child(what);
    must_wait();
    while (samples_wanted(&samples)) {
        time_forks(what, &call, &all);
        samples_add(&samples, call_alone ? call : all);
    }
    samples_report(&samples, name, block->megabytes, "ns");
}

void work_fork_call(const struct block *block)
{
    if (fork_works(block, "fork_call"))
        sample_forks(block, "fork_call", CHILD_EXITS, true);
}

void work_fork_exit_wait(const struct block *block)
{
    if (fork_works(block, "fork_exit_wait"))
        sample_forks(block, "fork_exit_wait", CHILD_EXITS, false);
}

void work_fork_exec(const struct block *block)
{
    if (fork_works(block, "fork_exec"))
        sample_forks(block, "fork_exec", CHILD_EXECS, false);
}

/* The time a child takes to write to every STEP-th of PAGES pages. */
static uint64_t time_in_child(const struct block *block, long pages, long step)
{
    uint64_t ns = 0;
    int ends[2];

    if (port_pipe(ends) < 0)
        give_up("no pipe");
    if (must_fork() == 0) {
        uint64_t begin = port_clock_ns();
        write_pages(block, 0, pages, step);
        ns = port_clock_ns() - begin;
        port_write(ends[1], &ns, sizeof(ns));
        port_exit(0);
    }
    port_close(ends[1]);
    if (port_read(ends[0], &ns, sizeof(ns)) != sizeof(ns))
        give_up("a child was killed");
    port_close(ends[0]);
    must_wait();
    return ns;
}

static void sample_faults(const struct block *block, const char *name,
                          long pages, long step)
{
    struct samples samples = {0};
    long written = (pages + step - 1) / step;

    if (written == 0 || !fork_works(block, name))
        return;
    while (samples_wanted(&samples)) {
        write_pages(block, 0, block->pages, 1);
        uint64_t ns = time_in_child(block, pages, step);
        samples_add(&samples, ns / written);
    }
    samples_report(&samples, name, block->megabytes, "ns");
}

void work_cow_fault(const struct block *block)
{
    sample_faults(block, "cow_fault",
                  block->pages < FAULTS ? block->pages : FAULTS, 1);
}

void work_cow_fault_sparse(const struct block *block)
{
    sample_faults(block, "cow_fault_sparse", block->pages, PAGES_A_NODE);
}

/* The time of our writes after a child is gone that wrote to every STEP-th
 * page (none: 0). */
static uint64_t time_after_child(const struct block *block, long pages,
                                 long step)
{
    write_pages(block, 0, block->pages, 1);
    if (must_fork() == 0) {
        if (step > 0)
            write_pages(block, 0, block->pages, step);
        port_exit(0);
    }
    must_wait();
    uint64_t begin = port_clock_ns();
    write_pages(block, 0, pages, 1);
    return port_clock_ns() - begin;
}

static void sample_reuse(const struct block *block, const char *name, long step)
{
    struct samples samples = {0};
    long pages = block->pages < FAULTS ? block->pages : FAULTS;

    if (pages == 0 || !fork_works(block, name))
        return;
    while (samples_wanted(&samples))
        samples_add(&samples, time_after_child(block, pages, step) / pages);
    samples_report(&samples, name, block->megabytes, "ns");
}

void work_reuse_fault(const struct block *block)
{
    sample_reuse(block, "reuse_fault", PAGES_A_NODE);
}

void work_reuse_claimed(const struct block *block)
{
    sample_reuse(block, "reuse_claimed", 0);
}
