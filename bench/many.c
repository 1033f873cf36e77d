/*
 * Many processes: what an idle child takes of memory, and how fast
 * independent processes fork side by side.
 */
#include "bench.h"

#define RATE_NS 1500000000ULL

/* Idle children. The first ones fill the caches that a system takes frames
 * from; what the others take is what is reported. */
#define FIRST  64
#define IDLERS 512

struct idlers {
    int hold[2]; /* children read here until it is closed */
    int here[2]; /* a byte comes out for each child that has started */
    int count;
};

/* Makes children until there are UPTO, or few free frames, or fork fails; each
 * writes once to its stack and waits. */
static void add_idlers(struct idlers *idlers, int upto, uint64_t few)
{
    char byte = 0;

    while (idlers->count < upto) {
        /* Seldom: asking writes to a page that the next child then copies. */
        if (idlers->count % 16 == 0 && port_free_frames() < few)
            return;
        int pid = port_fork();
        if (pid < 0)
            return;
        if (pid == 0) {
            port_close(idlers->hold[1]);
            port_write(idlers->here[1], &byte, 1);
            port_read(idlers->hold[0], &byte, 1);
            port_exit(0);
        }
        if (port_read(idlers->here[0], &byte, 1) != 1)
            give_up("an idle child ended");
        idlers->count++;
    }
}

static void end_idlers(struct idlers *idlers)
{
    port_close(idlers->hold[1]);
    while (idlers->count-- > 0)
        must_wait();
    port_close(idlers->hold[0]);
    port_close(idlers->here[0]);
    port_close(idlers->here[1]);
}

/* In thousandths, for a small part of a frame counts where there are many. */
void work_idle_forks(const struct block *block)
{
    struct idlers idlers = {.count = 0};

    if (port_pipe(idlers.hold) < 0 || port_pipe(idlers.here) < 0)
        give_up("no pipe");
    /* What ended before may still be about to give its frames back. */
    port_sleep(2);
    uint64_t none = port_free_frames();
    add_idlers(&idlers, FIRST, none / 2);
    uint64_t some = port_free_frames();
    int counted = idlers.count;
    add_idlers(&idlers, IDLERS, none / 2);
    uint64_t all = port_free_frames();
    if (idlers.count > FIRST)
        counted = idlers.count - FIRST;
    else
        some = none;
    end_idlers(&idlers);
    if (counted == 0)
        report_missing("idle_forks", block->megabytes, "fork finds no memory");
    else
        report("idle_forks", block->megabytes,
               (some > all ? some - all : 0) * 1000 / (uint64_t)counted,
               "pages/1000");
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

/* Each round is a figure of its own, for the host to set right. */
void work_fork_rate(const struct block *block)
{
    (void)block;
    for (int i = 0; i < rounds; i++) {
        report_start("fork_rate", forkers);
        report("fork_rate", forkers, fork_side_by_side() * 1000000000 / RATE_NS,
               "forks/s");
    }
    /* The host looks at the machine when it has read the last figure. */
    port_sleep(1);
}
