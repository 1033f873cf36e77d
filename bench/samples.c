/*
 * Samples, results, and the few things that every work does.
 */
#include "bench.h"

/* All rounds of one figure together end after this much guest time. */
#define ROUNDS_NS 100000000

bool samples_wanted(struct samples *samples)
{
    uint64_t now = port_clock_ns();

    if (samples->count == 0)
        samples->started = now;
    else if (now - samples->started > ROUNDS_NS)
        return false;
    return samples->count < rounds;
}

/* Kept in order, so that the median is the middle one. */
void samples_add(struct samples *samples, uint64_t value)
{
    int i = samples->count++;

    for (; i > 0 && samples->value[i - 1] > value; i--)
        samples->value[i] = samples->value[i - 1];
    samples->value[i] = value;
}

void samples_report(struct samples *samples, const char *name, long size,
                    const char *unit)
{
    report(name, size, samples->value[samples->count / 2], unit);
}

void report(const char *name, long size, uint64_t value, const char *unit)
{
    port_print("%s %ld %lu %s\n", name, size, (unsigned long)value, unit);
}

void report_start(const char *name, long size)
{
    port_print("+ %s %ld\n", name, size);
}

void report_missing(const char *name, long size, const char *why)
{
    port_print("# %s %ld: %s\n", name, size, why);
}

void give_up(const char *why)
{
    port_print("# gave up: %s\n", why);
    port_end(1);
}

int must_fork(void)
{
    int pid = port_fork();

    if (pid < 0)
        give_up("fork failed");
    return pid;
}

void must_wait(void)
{
    if (port_wait() < 0)
        give_up("a child did not end well");
}

void write_pages(const struct block *block, long first, long count, long step)
{
    volatile char *base = block->base;

    for (long i = first; i < first + count; i += step)
        base[i * PORT_PAGE] = 1;
}

void read_pages(const struct block *block)
{
    const volatile char *base = block->base;

    for (long i = 0; i < block->pages; i++)
        (void)base[i * PORT_PAGE];
}

/* A part of memory is left for tables, stacks and everybody else. */
bool frames_fit(long frames)
{
    uint64_t free = port_free_frames();

    return (uint64_t)frames + frames / 64 + 4 * PAGES_A_MB < free;
}

bool fork_works(const struct block *block, const char *name)
{
    int pid = port_fork();

    if (pid == 0)
        port_exit(0);
    if (pid < 0) {
        report_missing(name, block->megabytes, "fork finds no memory");
        return false;
    }
    must_wait();
    return true;
}
