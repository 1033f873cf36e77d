/*
 * Show what fork shares: write a few pages in the second gigabyte, fork, and
 * print an audit and both processes' page-table trees while neither has
 * written there again. A level-1 node covers one gigabyte; the second one's
 * must be the same node in both. The first gigabyte holds the stack, which both
 * write.
 */
#include "calf.h"
#include "kernel/fcntl.h"

#define GIGABYTE (1ul << 30)
#define STEPS    4

static void show(const char *path)
{
    int fd = open(path, O_RDONLY);
    if (fd < 0 || calf_copy(fd, 1) < 0)
        exit(3);
    close(fd);
}

static void show_tree(int pid)
{
    char path[32];
    calf_format(path, sizeof path, "/proc/%d/tree", pid);
    printf("tree of %d\n", pid);
    show(path);
}

int main(void)
{
    int hold[2];
    char *start = sbrk(0);

    for (int i = 0; i < STEPS; i++)
        if (sbrklazy(GIGABYTE / 2) == (char *)-1)
            return 2;
    char *second = (char *)((uint64)(start + GIGABYTE) & ~(GIGABYTE - 1));
    for (int i = 0; i < 64; i++)
        second[i * 65536] = i;
    if (pipe(hold) < 0)
        return 2;
    int child = fork();
    if (child < 0)
        return 2;
    if (child == 0) {
        char end;
        close(hold[1]);
        read(hold[0], &end, 1);
        return 0;
    }
    show("/proc/audit");
    show_tree(getpid());
    show_tree(child);
    close(hold[1]);
    wait(0);
    return 0;
}
