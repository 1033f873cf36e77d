/*
 * greedy names|memory: take what there is of one thing, and do not stop.
 */
#include "check.h"
#include "kernel/fcntl.h"

static void take_names(void)
{
    char path[32];

    for (int n = 0;; n++) {
        int fd;

        calf_format(path, sizeof(path), "/tmp/n%d", n);
        fd = open(path, O_CREATE | O_RDWR);
        if (fd < 0)
            unlink(path);
        close(fd);
    }
}

static void take_memory(void)
{
    for (;;) {
        char *at = sbrk(4096);

        if (at != (char *)-1)
            *at = 1;
    }
}

int main(int argc, char **argv)
{
    if (argc > 1 && calf_same(argv[1], "names"))
        take_names();
    take_memory();
    return 0;
}
