/*
 * grind SECONDS [SEED]: random system calls, for as long as asked.
 *
 * Several processes do random things (work.c) for a few seconds, a round; now
 * and then one of them is killed in the midst of it. After each round all
 * processes must come to their end, the kernel's audit find its books in
 * order, and as many pages be free as before the first round. A seed says what
 * every process does, though not when: on several harts rounds differ.
 *
 * It stops at the first error. The last line sums up; the status is 0 if there
 * was no error, 1 if there was.
 */
#include "grind.h"

#define WORKERS      8
#define ROUND_TICKS  50   /* tenths of a second */
#define STUCK_TICKS  600  /* for a round to end after its time */
#define REPORT_TICKS 3000 /* between two lines of progress */
#define FLAT_TRIES   50
#define MAX_SECONDS  1000000

const char *self;
static struct tally sum;
static long before[PAGE_KINDS];
static char why[300];

static void make_pipe(int ends[2])
{
    if (pipe(ends) < 0)
        fail("no memory for a pipe");
}

static uint mix(uint a, uint b)
{
    uint value = (a ^ b * 0x9e3779b9u) * 0x85ebca6bu;

    return (value ^ value >> 15) * 0xc2b2ae35u;
}

static void be_worker(int number, uint seed, int until, int tally_fd)
{
    static struct tally own;

    work(number, seed, until, &own);
    write(tally_fd, &own, sizeof(own));
    exit(0);
}

/* Kills some workers at some moments; its status is how many. */
static int kill_some(const int *pids, uint seed)
{
    int killed = 0;

    for (int i = 0; i < 3; i++) {
        pause((int)(mix(seed, 2 * (uint)i) % (ROUND_TICKS / 3)));
        killed += kill(pids[mix(seed, 2 * (uint)i + 1) % WORKERS]) == 0;
    }
    return killed;
}

/* Passes on what failing processes say, a line each, until all are gone. */
static int pass_on(int fd)
{
    char text[64];
    int n, any = 0;

    while ((n = read(fd, text, sizeof(text))) > 0) {
        for (int i = 0; i < n; i++) {
            if (text[i] == '\0')
                text[i] = '\n';
        }
        write(1, text, n);
        any = 1;
    }
    return any;
}

/* Waits for all; returns 1 if more of them died than were killed. */
static int wait_for_all(int killer)
{
    int status, pid, dead = 0, killed = 0, failed = 0;

    while ((pid = wait(&status)) > 0) {
        if (pid == killer)
            killed = status;
        else if (status == -1)
            dead++;
        else
            failed |= status != 0;
    }
    if (dead > killed) {
        printf("grind: %d workers died and %d were killed\n", dead, killed);
        failed = 1;
    }
    return failed;
}

/* One round, in a process of its own; its status. Sends the sum on. */
static int run_round(uint seed, int until, int sum_fd)
{
    struct tally total = {0}, one;
    int alive[2], tallies[2], pids[WORKERS], killer, failed;

    make_pipe(alive);
    make_pipe(tallies);
    for (int i = 0; i < WORKERS; i++) {
        if ((pids[i] = start()) == 0) {
            close(alive[0]);
            close(tallies[0]);
            close(sum_fd);
            report_fd = alive[1];
            be_worker(i, mix(seed, (uint)i), until, tallies[1]);
        }
    }
    if ((killer = start()) == 0)
        exit(kill_some(pids, seed));
    close(alive[1]);
    close(tallies[1]);
    failed = pass_on(alive[0]);
    failed |= wait_for_all(killer);
    while (read(tallies[0], &one, sizeof(one)) == sizeof(one)) {
        total.acts += one.acts;
        total.forks += one.forks;
        total.execs += one.execs;
        total.kills += one.kills;
    }
    write(sum_fd, &total, sizeof(total));
    return failed;
}

static void show_processes(void)
{
    static char table[8192];

    if (calf_read_file("/proc/processes", table, sizeof(table)) > 0)
        printf("%s", table);
}

/* A round in a folder of its own, watched: 0, or 1 after saying what. */
static int watch_round(uint seed, int until, int sum_fd)
{
    int status = 1, runner, watch, first;

    if ((runner = start()) == 0)
        exit(run_round(seed, until, sum_fd));
    if ((watch = start()) == 0) {
        pause(until - uptime() + STUCK_TICKS);
        exit(0);
    }
    first = wait(&status);
    if (first != runner) {
        printf("grind: not all processes come to their end:\n");
        show_processes();
        return 1;
    }
    kill(watch);
    wait(0);
    return status != 0;
}

static int books_are_right(void)
{
    if (!can_audit())
        return 1;
    if (compare_pages(before, FLAT_TRIES, why, sizeof(why)) == 0 &&
        audit_is_clean(why, sizeof(why)) == 0)
        return 1;
    printf("grind: %s\n", why);
    return 0;
}

/* A round in a folder of its own: 0 if nothing was wrong. */
static int do_round(uint seed, int until)
{
    static char folder[24];
    struct tally round = {0};
    int ends[2], failed;

    calf_format(folder, sizeof(folder), "grind.%d", getpid());
    make_pipe(ends);
    if (mkdir(folder) < 0 || chdir(folder) < 0)
        fail("cannot make the folder %s", folder);
    failed = watch_round(seed, until, ends[1]);
    close(ends[1]);
    if (!failed)
        read(ends[0], &round, sizeof(round));
    close(ends[0]);
    sum.acts += round.acts;
    sum.forks += round.forks;
    sum.execs += round.execs;
    sum.kills += round.kills;
    clean_up();
    if (chdir("..") < 0 || (unlink(folder) < 0 && !failed)) {
        printf("grind: cannot remove the folder %s\n", folder);
        failed = 1;
    }
    return failed;
}

static void print_sum(const char *what, int ticks, int rounds)
{
    printf("grind: %s%d s, %d rounds of %d processes, %lu acts, %lu forks, "
           "%lu execs, %lu kills\n",
           what, ticks / 10, rounds, WORKERS, sum.acts, sum.forks, sum.execs,
           sum.kills);
}

static int grind(int seconds, uint seed)
{
    int begin, end, report, rounds = 0, failed;

    /* The kernel keeps some of what it allocates first. */
    failed = do_round(seed, uptime() + 5);
    pause(2);
    count_pages(before);
    begin = report = uptime();
    end = begin + seconds * 10;
    while (!failed && uptime() < end) {
        int until = uptime() + ROUND_TICKS < end ? uptime() + ROUND_TICKS : end;
        failed = do_round(mix(seed, (uint)rounds), until) || !books_are_right();
        rounds++;
        if (uptime() - report >= REPORT_TICKS) {
            report = uptime();
            print_sum("after ", report - begin, rounds);
        }
    }
    print_sum("", uptime() - begin, rounds);
    if (failed)
        printf("grind: FAILED in round %d of seed %u\n", rounds - 1, seed);
    else
        printf("grind: no errors, seed %u\n", seed);
    return failed;
}

int main(int argc, char **argv)
{
    long seconds, seed = 1;
    int help = argc == 2 && calf_same(argv[1], "--help");

    if (argc > 1 && calf_same(argv[1], EXEC_WORD))
        return check_arguments(argc, argv);
    if (argc < 2 || argc > 3 || calf_number(argv[1], &seconds) < 0 ||
        seconds < 1 || seconds > MAX_SECONDS ||
        (argc == 3 && (calf_number(argv[2], &seed) < 0 || seed < 0))) {
        fprintf(help ? 1 : 2, "usage: grind SECONDS [SEED]\n");
        return help ? 0 : 2;
    }
    self = argv[0][0] == '/' ? argv[0] : "/bin/grind";
    settle();
    return grind((int)seconds, (uint)seed);
}
