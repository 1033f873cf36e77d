/*
 * reader MEGABYTES: after a fork the child reads all that the parent had
 * written, and only reads. No page and no node of the page tables may be
 * copied, and no memory used: the counters of /proc/meminfo must not move, but
 * for nodes that the fork has copied lazily, and that are merged.
 */
#include "check.h"
#include "kernel/riscv.h"

/* Everything this program writes itself is written once before, so that it
 * is not shared any more when it counts. */
static long counted(const char *name)
{
    return calf_meminfo(name);
}

static uint64 sum(const char *base, uint64 size)
{
    uint64 total = 0;
    for (uint64 at = 0; at < size; at += PGSIZE)
        total += *(const volatile uint64 *)(base + at);
    return total;
}

static int read_only(const char *base, uint64 size, uint64 expected)
{
    static const char *const names[] = {"pages_copied", "nodes_copied", "free",
                                        "table", "anonymous"};
    static const int signs[] = {1, -1, -1}; /* free may grow, the rest shrink */
    enum { NAMES = sizeof(names) / sizeof(names[0]), COPIES = 2 };
    long before[NAMES];
    for (int twice = 0; twice < 2; twice++)
        for (int i = 0; i < NAMES; i++)
            before[i] = counted(names[i]);
    CHECK(sum(base, size) == expected);
    for (int i = 0; i < NAMES; i++) {
        long moved = counted(names[i]) - before[i];
        printf("%s moved by %ld\n", names[i], moved);
        CHECK(i < COPIES ? moved == 0 : signs[i - COPIES] * moved >= 0);
    }
    return check_result();
}

int main(int argc, char **argv)
{
    uint64 size = (uint64)(argc > 1 ? atoi(argv[1]) : 16) << 20, expected = 0;
    int status = -2;
    char *base = sbrk((int)size);
    if (base == SBRK_ERROR)
        return 2;
    for (uint64 at = 0; at < size; at += PGSIZE) {
        *(volatile uint64 *)(base + at) = at + 1;
        expected += at + 1;
    }
    if (fork() == 0) {
        pause(3); /* the parent comes to rest in wait */
        exit(read_only(base, size, expected));
    }
    CHECK(wait(&status) > 0);
    CHECK(status == 0);
    CHECK(sum(base, size) == expected);
    return check_failures ? 1 : status;
}
