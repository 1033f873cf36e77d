/*
 * gaps MB: does a large process that ends keep others from running?
 *
 * On one hart, a watcher reads the clock all the time and keeps the longest
 * while in which it could not. Meanwhile a process makes so much memory, forks
 * a child that shares it and ends at once, and ends itself. Prints how long
 * that took, in microseconds, and the watcher's longest gap.
 */
#include "check.h"
#include "kernel/fcntl.h"
#include "kernel/riscv.h"

#define STOP "/tmp/gaps.stop" /* there when the watcher is to end */

static int ends[2];

static void watch(void)
{
    uint64 longest = 0;
    uint64 last = calf_clock_ns();

    for (uint i = 1;; i++) {
        uint64 now = calf_clock_ns();
        if (now - last > longest)
            longest = now - last;
        last = now;
        if (i % 10000 == 0 && open(STOP, O_RDONLY) >= 0)
            break;
    }
    write(ends[1], &longest, sizeof(longest));
    exit(0);
}

static void be_large(long pages)
{
    char *base = sbrk(0);
    uint64 now;
    int status = -1;

    for (long i = 0; i < pages; i += 1024)
        CHECK(sbrk(1024 * PGSIZE) != SBRK_ERROR);
    for (long i = 0; i < pages; i++)
        *(volatile long *)(base + i * PGSIZE) = i;
    if (fork() == 0)
        exit(check_failures);
    CHECK(wait(&status) > 0 && status == 0);
    for (long i = 0; i < pages; i++)
        CHECK(*(volatile long *)(base + i * PGSIZE) == i);
    now = calf_clock_ns();
    write(ends[1], &now, sizeof(now));
    exit(check_failures);
}

int main(int argc, char **argv)
{
    long megabytes;
    uint64 started, ended, longest = 0;
    int large, status = -1;

    if (argc != 2 || calf_number(argv[1], &megabytes) < 0 || pipe(ends) < 0)
        return 2;
    if (fork() == 0)
        watch();
    large = fork();
    if (large == 0)
        be_large(megabytes * 256);
    CHECK(read(ends[0], &started, sizeof(started)) == sizeof(started));
    CHECK(wait(&status) == large && status == 0);
    ended = calf_clock_ns();
    close(open(STOP, O_CREATE | O_WRONLY));
    CHECK(read(ends[0], &longest, sizeof(longest)) == sizeof(longest));
    CHECK(wait(&status) > 0 && status == 0);
    unlink(STOP);
    printf("ended in %lu us, longest gap %lu us\n", (ended - started) / 1000,
           longest / 1000);
    return check_result();
}
