/*
 * beside MB FILE: who notices that a process grows while another reads /proc?
 *
 * One process makes MB of memory at once, another reads FILE all the time;
 * "status" is that of the first. A third forks for a second, and prints how
 * long the slowest fork took, in microseconds, and how often FILE was read.
 */
#include "check.h"
#include "kernel/fcntl.h"

#define SECOND 1000000000ul

static int ends[2];

static int grower(long megabytes)
{
    int pid = fork();

    if (pid == 0) {
        sbrk(megabytes << 20);
        pause(1000);
    }
    return pid;
}

/* Tells of each time, and how long the longest took. */
static int reader(const char *path)
{
    static char text[1 << 16];
    int pid = fork();

    while (pid == 0) {
        uint64 began = calf_clock_ns();
        CHECK(calf_read_file(path, text, sizeof(text)) > 0);
        began = calf_clock_ns() - began;
        write(ends[1], &began, sizeof(began));
    }
    return pid;
}

static uint64 slowest_fork(void)
{
    uint64 slowest = 0;

    for (uint64 until = calf_clock_ns() + SECOND; calf_clock_ns() < until;) {
        uint64 took = calf_clock_ns();
        if (fork() == 0)
            exit(0);
        took = calf_clock_ns() - took;
        if (took > slowest)
            slowest = took;
        wait(0);
    }
    return slowest;
}

static void tell_reads(void)
{
    uint64 took, longest = 0;
    int count = 0;

    close(ends[1]);
    while (read(ends[0], &took, sizeof(took)) == sizeof(took)) {
        longest = took > longest ? took : longest;
        count++;
    }
    CHECK(count > 0);
    printf("%d reads, slowest %lu us\n", count, longest / 1000);
}

int main(int argc, char **argv)
{
    static char path[64];
    long megabytes;
    uint64 slowest;
    int large, curious;

    if (argc != 3 || calf_number(argv[1], &megabytes) < 0 || pipe(ends) < 0)
        return 2;
    large = grower(megabytes);
    pause(2);
    if (calf_same(argv[2], "status"))
        calf_format(path, sizeof(path), "/proc/%d/status", large);
    else
        calf_format(path, sizeof(path), "%s", argv[2]);
    curious = reader(path);
    slowest = slowest_fork();
    kill(curious);
    kill(large);
    CHECK(wait(0) > 0 && wait(0) > 0);
    tell_reads();
    printf("slowest fork %lu us\n", slowest / 1000);
    return check_result();
}
