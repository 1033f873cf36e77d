/*
 * walk: the walk-through of docs/COW.md, as a program. After each of its steps,
 * a line tells which counters of /proc/meminfo have grown.
 */
#include "check.h"
#include "kernel/riscv.h"

#define PAGES 1536

static const char *const names[] = {"nodes_copied", "nodes_linked",
                                    "nodes_claimed", "faults_reuse",
                                    "pages_copied"};
#define COUNTERS (sizeof(names) / sizeof(names[0]))

static volatile char *heap;
static long before[COUNTERS];

static void begin(void)
{
    for (uint i = 0; i < COUNTERS; i++)
        before[i] = calf_meminfo(names[i]);
}

static void tell(int step)
{
    long now[COUNTERS];

    for (uint i = 0; i < COUNTERS; i++)
        now[i] = calf_meminfo(names[i]);
    printf("step %d:", step);
    for (uint i = 0; i < COUNTERS; i++)
        if (now[i] != before[i])
            printf(" %s +%ld", names[i], now[i] - before[i]);
    printf("\n");
}

static void child(int from, int to)
{
    char byte;

    begin();
    read(from, &byte, 1);
    begin();
    (void)heap[1100 * PGSIZE];
    tell(3);
    write(to, "!", 1);
    read(from, &byte, 1);
    exit(0);
}

int main(void)
{
    int to_child[2], to_parent[2];
    char byte;

    heap = sbrk(PAGES * PGSIZE);
    for (int i = 0; i < PAGES; i++)
        heap[i * PGSIZE] = 1;
    pipe(to_child);
    pipe(to_parent);
    if (fork() == 0)
        child(to_child[0], to_parent[1]);
    begin();
    begin();
    heap[600 * PGSIZE] = 2;
    tell(2);
    write(to_child[1], "!", 1);
    read(to_parent[0], &byte, 1);
    write(to_child[1], "!", 1);
    wait(0);
    begin();
    for (uint64 i = 512 - (uint64)heap / PGSIZE; i < PAGES; i++)
        heap[i * PGSIZE] = 2;
    tell(5);
    return 0;
}
