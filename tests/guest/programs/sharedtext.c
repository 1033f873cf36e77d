/*
 * sharedtext: ten processes run this program from a disk, all of it, at once.
 * Its 128 pages of constants are in memory once, and starting the ten, when
 * one has run before, reads nothing from the disk.
 */
#include "check.h"

#define PROCESSES 10
#define PAGES     128
/* Tables, stacks and data of a process: more than that is a copied text. */
#define OWN_PAGES 32

static const char constants[PAGES * 4096] = {1};
static int sum;

static void read_all(void)
{
    for (int i = 0; i < PAGES; i++)
        sum += *(const volatile char *)&constants[i * 4096];
}

/* The other side: read all, say so, and stay until the parent lets go. */
static int stay(void)
{
    char byte = 'x';

    read_all();
    write(1, &byte, 1);
    read(0, &byte, 1);
    return 0;
}

/* A process of the program that reads from HOLD and writes to READY. */
static void start(int hold[2], int ready[2])
{
    char *again[] = {"sharedtext", "stay", 0};

    if (fork() == 0) {
        close(0);
        dup(hold[0]);
        close(1);
        dup(ready[1]);
        close(hold[1]);
        exec("/sharedtext", again);
        exit(1);
    }
}

/* COUNT of them, with *FREE and *CACHED while all are there, and their end. */
static void run_at_once(int count, long *free, long *cached)
{
    int hold[2], ready[2], status;
    char byte;

    CHECK(pipe(hold) == 0 && pipe(ready) == 0);
    for (int i = 0; i < count; i++)
        start(hold, ready);
    for (int i = 0; i < count; i++)
        CHECK(read(ready[0], &byte, 1) == 1);
    *free = calf_meminfo("free");
    *cached = calf_meminfo("cache");
    for (int i = 0; i < 2; i++) {
        close(hold[1 - i]);
        close(ready[1 - i]);
    }
    for (int i = 0; i < count; i++)
        CHECK(wait(&status) > 0 && status == 0);
}

/* The start of /proc/disks: "vda: sectors N, reads N". Writing goes on by
 * itself, so what comes after is left out. */
static void disk_reads(char *to, uint size)
{
    CHECK(calf_read_file("/proc/disks", to, size) > 0);
    *strchr(strchr(to, ',') + 1, ',') = '\0';
}

int main(int argc, char **argv)
{
    static char before[512], after[512];
    long free_one, free_ten, cached_one, cached_ten;

    (void)argv;
    if (argc > 1)
        return stay();
    read_all();
    run_at_once(1, &free_one, &cached_one);
    disk_reads(before, sizeof(before));
    run_at_once(PROCESSES, &free_ten, &cached_ten);
    disk_reads(after, sizeof(after));
    CHECK(strcmp(before, after) == 0);
    CHECK(cached_one == cached_ten && cached_one > PAGES);
    CHECK(free_one - free_ten < (PROCESSES - 1) * OWN_PAGES);
    printf("a process more takes %d pages\n",
           (int)(free_one - free_ten) / (PROCESSES - 1));
    return check_result();
}
