/*
 * shares N MS [naps | forks]: do N processes that compute get equal shares?
 *
 * For MS milliseconds each adds up the time for which it has a hart: it reads
 * the clock all the time, and a jump as long as another's turn does not count.
 * Prints the most and the least that one had, in ms. Beside them may run one
 * that sleeps a little in each slice, or one that computes in children, one
 * after the other, of less than a slice each; what that had is printed, too.
 */
#include "check.h"

#define MS   1000000ul
#define TURN (7 * MS) /* less than a slice */
#define BIT  (6 * MS) /* before a nap, or the end of a child */
#define MOST 32

struct report {
    uint64 used;
    int other;
};

static int ends[2];
static uint64 begin, end, away = TURN;

/* So long, or until the end; what it had. */
static uint64 compute(uint64 length)
{
    uint64 used = 0, last = calf_clock_ns();

    while (used < length && last < end) {
        uint64 now = calf_clock_ns();
        if (now - last < away)
            used += now - last;
        last = now;
    }
    return used;
}

static uint64 compute_always(void)
{
    return compute(end);
}

/* Computes a bit, then sleeps till a child has read what it wrote. */
static uint64 compute_with_naps(void)
{
    static char much[1024]; /* more than a pipe holds */
    uint64 used = 0;
    int there[2];

    if (pipe(there) < 0)
        exit(1);
    if (fork() == 0) {
        close(there[1]);
        while (read(there[0], much, sizeof(much)) > 0)
            continue;
        exit(0);
    }
    close(there[0]);
    while (calf_clock_ns() < end) {
        used += compute(BIT);
        write(there[1], much, sizeof(much));
    }
    return used;
}

static uint64 compute_in_children(void)
{
    uint64 used = 0, one;
    int back[2];

    if (pipe(back) < 0)
        exit(1);
    while (calf_clock_ns() < end) {
        if (fork() == 0) {
            one = compute(BIT);
            write(back[1], &one, sizeof(one));
            exit(0);
        }
        read(back[0], &one, sizeof(one));
        wait(0);
        used += one;
    }
    return used;
}

static void start(uint64 (*what)(void))
{
    if (fork() == 0) {
        while (calf_clock_ns() < begin)
            continue;
        struct report report = {what(), what != compute_always};
        write(ends[1], &report, sizeof(report));
        exit(0);
    }
}

int main(int argc, char **argv)
{
    uint64 least = -1ul, most = 0, other = 0;
    struct report report;
    long n, harts, length;

    if (argc < 4 || calf_number(argv[1], &n) < 0 || n > MOST ||
        calf_number(argv[2], &harts) < 0 || calf_number(argv[3], &length) < 0 ||
        pipe(ends) < 0)
        return 2;
    if (n >= 2 * harts)
        away = (n / harts - 1) * TURN;
    begin = calf_clock_ns() + 10 * n * MS;
    end = begin + length * MS;
    for (int i = 0; i < n; i++)
        start(compute_always);
    if (argc > 4)
        start(calf_same(argv[4], "naps") ? compute_with_naps
                                         : compute_in_children);
    close(ends[1]);
    while (read(ends[0], &report, sizeof(report)) == sizeof(report)) {
        if (report.other)
            other = report.used;
        else if (report.used > most)
            most = report.used;
        if (!report.other && report.used < least)
            least = report.used;
        n--;
    }
    CHECK(n == -(argc > 4));
    while (wait(0) > 0)
        continue;
    printf("most %lu, least %lu, other %lu ms\n", most / MS, least / MS,
           other / MS);
    return check_result();
}
