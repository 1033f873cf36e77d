/*
 * forkbench: what fork costs, by the size of what the process has written.
 *
 * For 0, 1, 16 and 64 MB, and for as much as fits, a line each:
 *
 *     fork SIZE_MB N ns              the call, as the parent sees it
 *     fork_exit_wait SIZE_MB N ns    with a child that ends at once
 *     cow_fault SIZE_MB N ns         a child's write to a page still shared
 *
 * Each figure is the median of several rounds, each the mean over many forks
 * or faults, for the clock's steps are 100 ns. Where one instruction takes one
 * nanosecond (tools/run --icount) the figures are the same on every machine.
 */
#include "calf.h"
#include "kernel/riscv.h"

#define ROUNDS      9
#define FORKS       32   /* a round */
#define FAULTS      1024 /* a round, or as many as there are pages */
#define PAGES_A_MB  256
#define FIT_PERCENT 60

static void give_up(const char *why)
{
    fprintf(2, "forkbench: %s\n", why);
    exit(1);
}

static void sort(uint64 *values, int count)
{
    for (int i = 1; i < count; i++) {
        uint64 value = values[i];
        int k = i;
        for (; k > 0 && values[k - 1] > value; k--)
            values[k] = values[k - 1];
        values[k] = value;
    }
}

static void report(const char *name, long megabytes, uint64 *values)
{
    sort(values, ROUNDS);
    printf("%s %ld %lu ns\n", name, megabytes, values[ROUNDS / 2]);
}

/* Like any compiled function of some size: it writes to the stack. */
static __attribute__((noinline)) void touch_stack(void)
{
    volatile char frame[64];

    frame[0] = 1;
    frame[63] = frame[0];
}

/* One round: the mean time of fork alone, and of fork, exit and wait. Both
 * sides write to their stack, as both sides of a real program do. */
static void time_forks(uint64 *fork_ns, uint64 *all_ns)
{
    uint64 in_fork = 0;
    uint64 begin = calf_clock_ns();

    for (int i = 0; i < FORKS; i++) {
        uint64 before = calf_clock_ns();
        int pid = fork(), status;
        if (pid == 0) {
            touch_stack();
            exit(0);
        }
        in_fork += calf_clock_ns() - before;
        touch_stack();
        if (pid < 0 || wait(&status) != pid)
            give_up("fork failed");
    }
    *fork_ns = in_fork / FORKS;
    *all_ns = (calf_clock_ns() - begin) / FORKS;
}

/* One round: the mean time a child takes to write to a shared page. */
static uint64 time_faults(char *base, long pages)
{
    uint64 ns = 0;
    int ends[2];

    if (pages > FAULTS)
        pages = FAULTS;
    if (pipe(ends) < 0)
        give_up("pipe failed");
    int pid = fork();
    if (pid < 0)
        give_up("fork failed");
    if (pid == 0) {
        uint64 begin = calf_clock_ns();
        for (long i = 0; i < pages; i++)
            *(volatile char *)(base + i * PGSIZE) = 2;
        ns = (calf_clock_ns() - begin) / (uint64)pages;
        write(ends[1], &ns, sizeof(ns));
        exit(0);
    }
    close(ends[1]);
    if (read(ends[0], &ns, sizeof(ns)) != sizeof(ns))
        give_up("a child was killed");
    close(ends[0]);
    wait(0);
    return ns;
}

static void measure(long megabytes)
{
    uint64 forks[ROUNDS], all[ROUNDS], faults[ROUNDS];
    long pages = megabytes * PAGES_A_MB;
    char *base = sbrk((int)(pages * PGSIZE));

    if (base == SBRK_ERROR)
        give_up("no memory");
    for (long i = 0; i < pages; i++)
        *(volatile char *)(base + i * PGSIZE) = 1;
    time_forks(&forks[0], &all[0]); /* to warm up */
    for (int i = 0; i < ROUNDS; i++)
        time_forks(&forks[i], &all[i]);
    report("fork", megabytes, forks);
    report("fork_exit_wait", megabytes, all);
    if (pages > 0) {
        for (int i = 0; i < ROUNDS; i++)
            faults[i] = time_faults(base, pages);
        report("cow_fault", megabytes, faults);
    }
    sbrk((int)(-pages * PGSIZE));
}

int main(int argc, char **argv)
{
    static const long sizes[] = {0, 1, 16, 64};
    long fit = calf_meminfo("free") / 100 * FIT_PERCENT / PAGES_A_MB;

    if (argc > 1) {
        int help = calf_same(argv[1], "--help");
        fprintf(help ? 1 : 2, "usage: forkbench\n");
        return help ? 0 : 2;
    }
    if (fit < 0)
        give_up("cannot read free from /proc/meminfo");
    if (fit > 1024)
        fit = 1024;
    for (uint i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        if (sizes[i] <= fit)
            measure(sizes[i]);
        else
            fprintf(2, "forkbench: %ld MB do not fit\n", sizes[i]);
    }
    if (fit > sizes[sizeof(sizes) / sizeof(sizes[0]) - 1])
        measure(fit);
    return 0;
}
