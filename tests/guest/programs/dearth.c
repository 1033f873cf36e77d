/*
 * dearth: what a call costs that finds no memory, where files are on a disk.
 *
 * This process has all memory there is, so a fork looks for pages that cached
 * files could do without, and finds none: those that there are show the text
 * of programs. That must take no longer the more memory there is.
 */
#include "check.h"

#define CALLS 50

static uint64 now_us(void)
{
    uint64 ticks;
    asm volatile("rdtime %0" : "=r"(ticks));
    return ticks / 10;
}

static void take_memory(void)
{
    while (sbrk(1 << 20) != (char *)-1)
        ;
    while (sbrk(4096) != (char *)-1)
        ;
}

int main(void)
{
    int failed = 0;

    take_memory();
    uint64 start = now_us();
    for (int i = 0; i < CALLS; i++) {
        int pid = fork();
        if (pid == 0)
            exit(0);
        failed += pid < 0;
    }
    uint64 took = (now_us() - start) / CALLS;
    while (wait(0) >= 0)
        ;
    sbrk(-65536);
    printf("%lu us a call\n", took);
    CHECK(failed > CALLS / 2);
    return check_result();
}
