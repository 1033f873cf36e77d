/*
 * beside MB FILE: who notices that a process grows while another reads /proc?
 *
 * One process makes MB of memory at once, another reads FILE all the time;
 * "status" is that of the first. Meanwhile a third forks for a second. Then
 * both are killed. Prints how long the slowest fork took, in microseconds, how
 * often FILE was read, and how long the reader and the first took to end.
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

/* Writes a byte each time it has read. */
static int reader(const char *path)
{
    static char text[1 << 16];
    int pid = fork();

    while (pid == 0)
        if (calf_read_file(path, text, sizeof(text)) > 0)
            write(ends[1], text, 1);
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
    return slowest / 1000;
}

static uint64 time_to_kill(int pid)
{
    uint64 began = calf_clock_ns();

    kill(pid);
    CHECK(wait(0) == pid);
    return (calf_clock_ns() - began) / 1000;
}

static int reads(void)
{
    char byte;
    int count = 0;

    close(ends[1]);
    while (read(ends[0], &byte, 1) == 1)
        count++;
    return count;
}

int main(int argc, char **argv)
{
    static char path[64];
    long megabytes;
    uint64 slowest, took[2];
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
    pause(1);
    slowest = slowest_fork();
    took[0] = time_to_kill(curious);
    took[1] = time_to_kill(large);
    printf("slowest fork %lu us, %d reads, ended in %lu us and %lu us\n",
           slowest, reads(), took[0], took[1]);
    return check_result();
}
