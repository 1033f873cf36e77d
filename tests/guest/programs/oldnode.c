/*
 * oldnode copied | merged ROUNDS: nodes of the page-table tree that a program
 * has no more are not used for it. A hart may keep the edges to nodes, too, and
 * a fence by one address leaves it these.
 *
 * copied: a child reads, and so links, a node that it shares; then it writes,
 * and so copies the node; then it reads what it has written.
 *
 * merged: a fork makes lazy copies of the nodes with the program's stack. When
 * the child has gone, the parent's are merged into their sources and freed.
 * Their frames are given to the parent as new memory, where it writes entries
 * of page tables: they must not count.
 */
#include "check.h"
#include "kernel/riscv.h"
#include "kernel/syscall.h"

#define NODE       (512ul * PGSIZE)
#define NODES      3
#define PAGES      40 /* that are used in a node: more than a narrow one has */
#define AN_ENTRY   (0x80200ul << 10 | 0xd3) /* the kernel's image, to read */
#define PAGE(b, i) ((volatile uint64 *)((b) + (i)*PGSIZE))

static char own[PAGES * PGSIZE]; /* in the node of the stack, as new memory */
static uint64 state = 1;

static uint draw(uint below)
{
    state = state * 6364136223846793005ul + 1442695040888963407ul;
    return (uint)(state >> 33) % below;
}

static int read_and_write(char *base)
{
    for (uint64 n = 0; n < NODES; n++)
        for (int i = 0; i < 4; i++) {
            char *node = base + n * NODE;
            uint a = draw(PAGES), b = draw(PAGES);
            if (*PAGE(node, a) < 100)
                return 1;
            *PAGE(node, b) = 1000 + i;
            if (*PAGE(node, b) != 1000 + (uint64)i)
                return 2;
        }
    return 0;
}

static void copied(long rounds)
{
    uint64 memory = (uint64)sbrklazy((NODES + 1) * NODE);
    char *base = (char *)((memory + NODE - 1) / NODE * NODE);
    int status;

    for (uint64 n = 0; n < NODES; n++)
        for (uint64 i = 0; i < PAGES; i++)
            *PAGE(base + n * NODE, i) = 100 + i;
    for (long i = 0; i < rounds && !check_failures; i++) {
        draw(1);
        if (fork() == 0)
            exit(read_and_write(base));
        CHECK(wait(&status) > 0 && status == 0);
    }
}

static inline int call(uint64 number, uint64 argument)
{
    register uint64 a0 __asm__("a0") = argument;
    register uint64 a7 __asm__("a7") = number;

    __asm__ volatile("ecall" : "+r"(a0) : "r"(a7) : "memory");
    return (int)a0;
}

/* In one page of code, so that what the parent does first, after the child has
 * gone, is a store to new memory: the fault that merges. */
__attribute__((noinline, aligned(256))) static void
fork_and_fill(volatile uint64 *page)
{
    if (call(SYS_fork, 0) == 0)
        call(SYS_exit, 0);
    call(SYS_wait, 0);
    for (uint64 i = 0; i < PGSIZE / sizeof *page; i++)
        page[i] = AN_ENTRY;
}

static void merged(long rounds)
{
    char *fresh = sbrklazy((int)rounds * PGSIZE);

    CHECK((uint64)fresh + (uint64)rounds * PGSIZE <= NODE);
    for (uint64 i = 0; i < PAGES; i++)
        *PAGE(own, i) = i;
    for (long round = 0; round < rounds && !check_failures; round++) {
        fork_and_fill(PAGE(fresh, round));
        for (uint64 i = 0; i < PAGES; i++)
            CHECK(*PAGE(own, i) == i);
    }
}

int main(int argc, char **argv)
{
    long rounds;

    if (argc != 3 || calf_number(argv[2], &rounds) < 0)
        return 2;
    if (calf_same(argv[1], "copied"))
        copied(rounds);
    else
        merged(rounds);
    return check_result();
}
