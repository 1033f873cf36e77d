/*
 * When memory is full: a call fails or one process dies, and nobody else's
 * memory changes.
 *
 * Most sections fill memory for real. fork is also tried with each of its
 * allocations failing in turn, where the kernel was built with /proc/fail:
 * writing N to it makes the writer's N-th allocation from then on fail.
 */
#include "cowtest.h"

enum { SHARED_PAGES = 1024 };

/* Full memory may leave this many pages free, in odd corners. */
enum { SLACK_PAGES = SHARED_PAGES / 2 };

enum { MOST_CHILDREN = 1000 };

void test_copy_without_memory(void)
{
    enum { RECORD = 8 };
    char *base = take_pages(SHARED_PAGES);
    int fd = scratch_open(SHARED_PAGES * RECORD);

    stamp_pages(base, SHARED_PAGES, 1);
    if (start() == 0) {
        long i = 0;
        settle();
        take_everything();
        while (i < SHARED_PAGES &&
               read(fd, base + i * PGSIZE, RECORD) == RECORD)
            i++;
        if (i == SHARED_PAGES)
            fail("%ld pages were copied with memory full", i);
        if (i > SLACK_PAGES)
            fail("memory was called full with %ld pages free", i);
        for (; i < SHARED_PAGES; i++)
            check_stamp(base, i, 1, "child, where read failed");
        exit(0);
    }
    finish(1);
    check_pages(base, SHARED_PAGES, 1, "parent");
}

/* A page that only we still hold is written in place, whatever is free. */
void test_sole_owner_reuses(void)
{
    long pages = counter("free") / 4;
    char *base = take_pages(pages);
    struct signal gate;
    long copied, taken;

    stamp_pages(base, pages, 1);
    copied = counter("pages_copied");
    signal_make(&gate);
    if (start() == 0) {
        signal_i_wait(&gate);
        signal_wait(&gate);
        exit(0);
    }
    signal_i_send(&gate);
    settle();
    taken = take_everything();
    signal_send(&gate);
    finish(1);
    pause(3); /* until nothing of the child is left */
    stamp_pages(base, pages, 2);
    check_pages(base, pages, 2, "the only owner");
    give_pages(taken);
    copied = counter("pages_copied") - copied;
    if (copied > 64)
        fail("%ld pages were copied for their only owner", copied);
}

static void fail_allocation(int fd, int number)
{
    char text[16];
    int length = calf_format(text, sizeof(text), "%d\n", number);

    if (write(fd, text, length) != length)
        fail("cannot write /proc/fail");
}

static void check_audit(int number)
{
    static char why[80];

    if (audit_is_clean(why, sizeof(why)) < 0)
        fail("with allocation %d failing: %s", number, why);
}

/*
 * fork with its first, second, third... allocation failing, until none does.
 * Between fork and disarming nothing may be written, not even to the stack:
 * that would allocate, for what was just shared.
 */
static void fail_each_allocation_of_fork(int fd, char *base)
{
    enum { MOST = 500 };
    int pid = -1;

    for (int number = 1; pid < 0; number++) {
        if (number > MOST)
            fail("fork failed %d times", MOST);
        fail_allocation(fd, number);
        pid = fork();
        write(fd, "0\n", 2);
        if (pid == 0) {
            stamp_pages(base, SHARED_PAGES, 2);
            exit(0);
        }
        if (pid < 0) {
            check_audit(number);
            check_pages(base, SHARED_PAGES, 1, "parent, after a failed fork");
        }
    }
    finish(1);
    check_pages(base, SHARED_PAGES, 1, "parent");
}

/*
 * Forks until that fails, then lets all children go; returns their number, or
 * MOST_CHILDREN if fork never failed. Here too nothing is written while memory
 * is full: a process that does so may be killed, and rightly so.
 */
static int fork_until_failure(const struct signal *gate)
{
    int children = 0;
    int pid = 1;

    while (children < MOST_CHILDREN && (pid = fork()) > 0)
        children++;
    close(gate->ends[1]);
    if (pid == 0) {
        read(gate->ends[0], (char *)gate, 1); /* the end of the pipe */
        exit(0);
    }
    pause(5);
    return children;
}

void test_fork_without_memory(void)
{
    enum { LEFT_FREE = 200 };
    char *base = take_pages(SHARED_PAGES);
    int fd = open("/proc/fail", O_WRONLY);
    struct signal gate;
    int children;

    stamp_pages(base, SHARED_PAGES, 1);
    /* Again with the kernel stack there, which the first time came last. */
    for (int round = 0; fd >= 0 && round < 2; round++) {
        fail_each_allocation_of_fork(fd, base);
        stamp_pages(base, SHARED_PAGES, 1);
    }
    close(fd);

    for (int round = 0; round < 2; round++) {
        long taken = take_everything();
        if (taken <= LEFT_FREE)
            fail("there was no memory to fill");
        give_pages(LEFT_FREE);
        signal_make(&gate);
        children = fork_until_failure(&gate);
        close(gate.ends[0]);
        check_pages(base, SHARED_PAGES, 1, "parent, after a failed fork");
        if (children == MOST_CHILDREN)
            fail("fork never failed");
        for (; children > 0; children--) {
            int status = wait_one();
            if (status != 0 && status != -1)
                fail("a child ended with status %d", status);
        }
        give_pages(taken - LEFT_FREE);
    }
    if (start() == 0) {
        check_pages(base, SHARED_PAGES, 1, "a child, with memory again");
        exit(0);
    }
    finish(1);
}

static void write_all(uint64 base)
{
    stamp_pages((char *)base, SHARED_PAGES, 2);
}

static void write_with_memory_full(uint64 base)
{
    settle();
    take_everything();
    write_all(base);
}

static void write_with_no_allocation(uint64 base)
{
    int fd = open("/proc/fail", O_WRONLY);

    settle();
    fail_allocation(fd, 1);
    write_all(base);
}

void test_write_without_memory(void)
{
    char *base = take_pages(SHARED_PAGES);
    int fd = open("/proc/fail", O_WRONLY);

    stamp_pages(base, SHARED_PAGES, 1);
    if (fd >= 0 && !dies(write_with_no_allocation, (uint64)base))
        fail("a write went on after its allocation failed");
    close(fd);
    if (!dies(write_with_memory_full, (uint64)base))
        fail("%d pages were copied with memory full", SHARED_PAGES);
    check_pages(base, SHARED_PAGES, 1, "parent");
    if (dies(write_all, (uint64)base))
        fail("a child was killed with memory free again");
    check_pages(base, SHARED_PAGES, 1, "parent, at the end");
}
