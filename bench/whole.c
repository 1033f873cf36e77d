/*
 * Whole costs: what fork has put off must not come back larger.
 *
 * Each scenario is timed from before fork until everything is done: the child
 * gone and waited for, and the parent's own writes after that where there are
 * any. Before each, the parent writes to all its pages, so that all are its
 * own again; that is not timed.
 */
#include "bench.h"

#define REPEATS 16 /* a round, for the clock's steps, if they are short */

struct scenario {
    const char *name;
    bool execs;
    bool reads;
    int percent;  /* of the pages that the child writes */
    bool spread;  /* those: spread evenly, else the first ones */
    bool rewrite; /* the parent writes every page once the child is gone */
};

static const struct scenario scenarios[] = {
    {.name = "whole_exit"},
    {.name = "whole_exec", .execs = true},
    {.name = "whole_read_100", .reads = true},
    {.name = "whole_write_1", .percent = 1, .spread = true},
    {.name = "whole_write_1_together", .percent = 1},
    {.name = "whole_write_10", .percent = 10, .spread = true},
    {.name = "whole_write_10_together", .percent = 10},
    {.name = "whole_write_100", .percent = 100},
    {.name = "whole_rewrite", .rewrite = true},
    {.name = "whole_read_rewrite", .reads = true, .rewrite = true},
    {.name = "whole_write_1_rewrite",
     .percent = 1,
     .spread = true,
     .rewrite = true},
};

static void be_child(const struct scenario *scenario, const struct block *block)
{
    long pages = block->pages * scenario->percent / 100;

    if (scenario->reads)
        read_pages(block);
    if (scenario->percent > 0 && scenario->spread)
        write_pages(block, 0, block->pages, 100 / scenario->percent);
    else if (scenario->percent > 0)
        write_pages(block, 0, pages, 1);
    if (scenario->execs)
        port_exec_nothing();
    port_exit(scenario->execs ? 1 : 0);
}

static uint64_t time_once(const struct scenario *scenario,
                          const struct block *block)
{
    write_pages(block, 0, block->pages, 1);
    uint64_t begin = port_clock_ns();
    if (must_fork() == 0)
        be_child(scenario, block);
    must_wait();
    if (scenario->rewrite)
        write_pages(block, 0, block->pages, 1);
    return port_clock_ns() - begin;
}

static uint64_t time_round(const struct scenario *scenario,
                           const struct block *block)
{
    uint64_t begin = port_clock_ns(), sum = 0;
    int times = 0;

    do {
        sum += time_once(scenario, block);
        times++;
    } while (times < REPEATS && port_clock_ns() - begin < ROUND_NS);
    return sum / times;
}

/* What the child writes needs frames; a policy that copies all at fork needs
 * more, and fork says so. */
static bool scenario_fits(const struct scenario *scenario,
                          const struct block *block)
{
    if (frames_fit(block->pages * scenario->percent / 100))
        return fork_works(block, scenario->name);
    report_missing(scenario->name, block->megabytes,
                   "the child's pages do not fit into memory");
    return false;
}

void work_whole(const struct block *block)
{
    for (unsigned i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
        const struct scenario *scenario = &scenarios[i];
        struct samples samples = {0};

        if (!scenario_fits(scenario, block))
            continue;
        while (samples_wanted(&samples))
            samples_add(&samples, time_round(scenario, block));
        samples_report(&samples, scenario->name, block->megabytes, "ns");
    }
}
