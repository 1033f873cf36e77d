/*
 * The library functions that are a system call and a little more.
 */
#include "kernel/types.h"
#include "kernel/fcntl.h"
#include "kernel/stat.h"
#include "user/user.h"

char *sbrk(int bytes)
{
    return sys_sbrk(bytes, SBRK_EAGER);
}

char *sbrklazy(int bytes)
{
    return sys_sbrk(bytes, SBRK_LAZY);
}

int stat(const char *path, struct stat *st)
{
    int fd = open(path, O_RDONLY);
    int result;

    if (fd < 0)
        return -1;
    result = fstat(fd, st);
    close(fd);
    return result;
}

char *gets(char *to, int size)
{
    int used = 0;
    char c = '\0';

    /* A byte a read: what follows the line may be for another process. */
    while (used + 1 < size && c != '\n' && c != '\r') {
        if (read(0, &c, 1) != 1)
            break;
        to[used++] = c;
    }
    to[used] = '\0';
    return to;
}
