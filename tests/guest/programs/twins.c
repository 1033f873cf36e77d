/*
 * twins: a process of 6 MB forks; what the two share before and after a write.
 */
#include "calf.h"
#include "kernel/riscv.h"

static void tree(const char *name, int pid)
{
    char path[32];
    calf_format(path, sizeof(path), "/proc/%d/tree", pid);
    printf("%s, %ld pages copied\n", name, calf_meminfo("pages_copied"));
    calf_copy(open(path, 0), 1);
}

int main(void)
{
    volatile char *heap = sbrk(1536 * PGSIZE);
    char byte;
    int hold[2];

    for (int i = 0; i < 1536; i++)
        heap[i * PGSIZE] = 1;
    pipe(hold);
    int child = fork();
    if (child == 0) {
        close(hold[1]);
        read(hold[0], &byte, 1); /* until the parent closes its end */
        exit(0);
    }
    pause(1);
    tree("parent", getpid());
    tree("child", child);
    heap[600 * PGSIZE] = 2;
    tree("parent", getpid());
    tree("child", child);
    close(hold[1]);
    wait(0);
    return 0;
}
