/*
 * forkstorm N S: N processes fork, write and check for S seconds.
 *
 * Each worker has a region whose every word follows from a seed. Again and
 * again it forks: the child checks all of it, writes another pattern over some
 * pages, half the time has a child of its own do the same, checks again and
 * ends with a status that follows from what it saw. Meanwhile the worker
 * rewrites pages that the child shares. Any wrong word or status is an error.
 *
 * Prints `forkstorm: N processes, S s, F forks, E errors`; the status is 0
 * only if E is 0.
 */
#include "calf.h"
#include "kernel/riscv.h"

#define PAGES          24
#define WORDS_A_PAGE   (PGSIZE / sizeof(uint64))
#define MAX_WORKERS    256
#define TICKS_A_SECOND 10

struct tally {
    uint64 forks, errors;
};

static uint64 region[PAGES][WORDS_A_PAGE];
static uint64 seeds[PAGES]; /* what each page follows from */
static struct tally tally;

static uint64 mix(uint64 value)
{
    value = (value ^ value >> 31) * 0x9e3779b97f4a7c15UL;
    return value ^ value >> 29;
}

static void write_page(uint page, uint64 seed)
{
    seeds[page] = seed;
    for (uint i = 0; i < WORDS_A_PAGE; i++)
        region[page][i] = seed + i * 0x10001UL;
}

/* The number of pages with a wrong word. */
static uint64 check_region(void)
{
    uint64 errors = 0;

    for (uint page = 0; page < PAGES; page++) {
        uint64 sum = 0;
        for (uint i = 0; i < WORDS_A_PAGE; i++)
            sum |= region[page][i] ^ (seeds[page] + i * 0x10001UL);
        errors += sum != 0;
    }
    return errors;
}

static int status_for(uint64 seed)
{
    return (int)(seed % 97) + 1;
}

static void child(uint64 seed, int depth) __attribute__((noreturn));

/* Forks a child for the seed and waits for it; meanwhile writes. */
static void have_child(uint64 seed, int depth)
{
    int status = 0;
    int pid = fork();

    if (pid == 0)
        child(seed, depth);
    if (pid < 0) {
        fprintf(2, "forkstorm: fork failed\n");
        tally.errors++;
        pause(1);
        return;
    }
    tally.forks++;
    for (uint i = 0; i < 3; i++)
        write_page((uint)(mix(seed + i) % PAGES), mix(seed ^ i));
    if (wait(&status) != pid || status != status_for(seed))
        tally.errors++;
}

/* Ends with the status its parent expects, or with 0 after an error. */
static void child(uint64 seed, int depth)
{
    uint64 errors = check_region();

    tally.errors = 0;
    for (uint i = 0; i < 4; i++)
        write_page((uint)(mix(seed * 7 + i) % PAGES), mix(seed + 99 + i));
    if (depth > 0 && (seed & 1))
        have_child(mix(seed + 5), depth - 1);
    errors += check_region() + tally.errors;
    exit(errors == 0 ? status_for(seed) : 0);
}

static void work(int number, int until, int report)
{
    uint64 seed = mix((uint64)number + 1);

    for (uint page = 0; page < PAGES; page++)
        write_page(page, mix(seed + page));
    while (uptime() < until) {
        seed = mix(seed + 1);
        have_child(seed, 2);
        tally.errors += check_region();
    }
    write(report, &tally, sizeof(tally));
    exit(0);
}

/* Starts the workers and adds up what they report; the number that did. */
static int storm(int workers, int until)
{
    struct tally one, sum = {0};
    int ends[2];
    int reports = 0;

    if (pipe(ends) < 0)
        return 0;
    for (int i = 0; i < workers; i++) {
        int pid = fork();
        if (pid == 0) {
            close(ends[0]);
            work(i, until, ends[1]);
        }
        if (pid < 0)
            fprintf(2, "forkstorm: cannot start process %d\n", i);
    }
    close(ends[1]);
    /* A report is written, and so read, in one piece. */
    while (read(ends[0], &one, sizeof(one)) == sizeof(one)) {
        sum.forks += one.forks;
        sum.errors += one.errors;
        reports++;
    }
    while (wait(0) >= 0)
        ;
    tally = sum;
    return reports;
}

int main(int argc, char **argv)
{
    long workers, seconds;
    int help = argc == 2 && calf_same(argv[1], "--help");

    if (argc != 3 || calf_number(argv[1], &workers) < 0 || workers < 1 ||
        workers > MAX_WORKERS || calf_number(argv[2], &seconds) < 0 ||
        seconds < 1 || seconds > 1000000) {
        fprintf(help ? 1 : 2, "usage: forkstorm PROCESSES SECONDS\n");
        return help ? 0 : 2;
    }
    int until = uptime() + (int)seconds * TICKS_A_SECOND;
    int reports = storm((int)workers, until);
    if (reports != workers)
        tally.errors += (uint64)(workers - reports);
    printf("forkstorm: %ld processes, %ld s, %lu forks, %lu errors\n", workers,
           seconds, tally.forks, tally.errors);
    return tally.errors != 0;
}
