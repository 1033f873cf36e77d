/*
 * fullcache FILE, under --icount: memory is full of a file that was read, and
 * then a process asks for some, page by page. It has to cost about as much as
 * when memory is empty.
 */
#include "check.h"
#include "kernel/fcntl.h"

#define PAGES 2000

static char block[65536];

static inline uint64 now(void)
{
    uint64 ticks;

    asm volatile("rdtime %0" : "=r"(ticks));
    return ticks * 100;
}

static long cost_of_a_page(void)
{
    uint64 start = now(), cost;

    for (int i = 0; i < PAGES; i++)
        CHECK(sbrk(4096) != (char *)-1);
    cost = (now() - start) / PAGES;
    sbrk(-4096 * PAGES);
    return (long)cost;
}

int main(int argc, char **argv)
{
    long empty, full;
    int fd = open(argc > 1 ? argv[1] : "", O_RDONLY);

    CHECK(fd >= 0);
    empty = cost_of_a_page();
    while (read(fd, block, sizeof(block)) > 0)
        ;
    full = cost_of_a_page();
    printf("a page: %ld instructions, and %ld when the cache is full\n", empty,
           full);
    CHECK(full < 2 * empty);
    return check_result();
}
