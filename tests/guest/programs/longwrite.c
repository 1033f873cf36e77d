/*
 * longwrite: a process that is killed in the middle of one very long write to
 * a disk ends soon, not when all is written.
 */
#include "check.h"
#include "kernel/fcntl.h"
#include "kernel/stat.h"

#define LENGTH (40 << 20)

static char name[] = "/long";

static uint64 size_now(void)
{
    struct stat st;
    return stat(name, &st) < 0 ? 0 : st.size;
}

int main(void)
{
    char *text = sbrklazy(LENGTH);
    int pid = fork();

    if (pid == 0) {
        int fd = open(name, O_CREATE | O_WRONLY);
        write(fd, text, LENGTH);
        exit(0);
    }
    while (size_now() == 0)
        ;
    CHECK(kill(pid) == 0);
    CHECK(wait(0) == pid);
    printf("%d KB of %d\n", (int)(size_now() >> 10), LENGTH >> 10);
    CHECK(size_now() < LENGTH / 2);
    CHECK(unlink(name) == 0);
    return check_result();
}
