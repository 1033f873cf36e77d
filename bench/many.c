/*
 * Many processes: what an idle child takes of memory, and how fast
 * independent processes fork side by side.
 */
#include "bench.h"

#define IDLERS  64
#define RATE_NS 1500000000ULL

/* Makes up to IDLERS children, each of which says that it is there and then
 * waits for the end of the pipe HOLD; returns how many there are. */
static int make_idlers(int hold[2], int here[2])
{
    int count = 0;
    char byte = 0;

    while (count < IDLERS) {
        int pid = port_fork();
        if (pid < 0)
            break;
        if (pid == 0) {
            port_close(hold[1]);
            port_write(here[1], &byte, 1);
            port_read(hold[0], &byte, 1);
            port_exit(0);
        }
        if (port_read(here[0], &byte, 1) != 1)
            give_up("an idle child ended");
        count++;
    }
    return count;
}

/* A small part of a frame counts where there are many: in thousandths. */
void work_idle_forks(const struct block *block)
{
    int hold[2], here[2];

    if (port_pipe(hold) < 0 || port_pipe(here) < 0)
        give_up("no pipe");
    uint64_t before = port_free_frames();
    int count = make_idlers(hold, here);
    uint64_t after = port_free_frames();
    port_close(hold[1]);
    for (int i = 0; i < count; i++)
        must_wait();
    port_close(hold[0]);
    port_close(here[0]);
    port_close(here[1]);
    if (count == 0) {
        report_missing("idle_forks", block->megabytes, "fork finds no memory");
        return;
    }
    uint64_t taken = before > after ? before - after : 0;
    report("idle_forks", block->megabytes, taken * 1000 / (uint64_t)count,
           "frames/1000");
}

/* Forks until the time is over; returns how often. */
static uint64_t fork_until(uint64_t end)
{
    uint64_t forks = 0;

    while (port_clock_ns() < end) {
        if (must_fork() == 0)
            port_exit(0);
        must_wait();
        forks++;
    }
    return forks;
}

static uint64_t fork_side_by_side(void)
{
    uint64_t end = port_clock_ns() + RATE_NS, sum = 0, forks;
    int ends[2];

    if (port_pipe(ends) < 0)
        give_up("no pipe");
    for (int i = 0; i < forkers; i++) {
        if (must_fork() == 0) {
            forks = fork_until(end);
            port_write(ends[1], &forks, sizeof(forks));
            port_exit(0);
        }
    }
    for (int i = 0; i < forkers; i++) {
        if (port_read(ends[0], &forks, sizeof(forks)) != sizeof(forks))
            give_up("a forker ended early");
        sum += forks;
        must_wait();
    }
    port_close(ends[0]);
    port_close(ends[1]);
    return sum;
}

void work_fork_rate(const struct block *block)
{
    struct samples samples = {0};

    (void)block;
    while (samples_wanted(&samples))
        samples_add(&samples, fork_side_by_side() * 1000000000 / RATE_NS);
    samples_report(&samples, "fork_rate", forkers, "forks/s");
}
