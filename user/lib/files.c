/*
 * Reading and writing all of something at once.
 */
#include "calf.h"
#include "kernel/fcntl.h"

int calf_write_all(int fd, const void *from, uint bytes)
{
    const char *at = from;

    while (bytes > 0) {
        int n = write(fd, at, (int)bytes);
        if (n <= 0)
            return -1;
        at += n;
        bytes -= (uint)n;
    }
    return 0;
}

int calf_read_file(const char *path, char *to, uint size)
{
    int fd = open(path, O_RDONLY);
    uint used = 0;
    int n = -1;

    if (fd < 0)
        return -1;
    while (used < size && (n = read(fd, to + used, (int)(size - used))) > 0)
        used += (uint)n;
    close(fd);
    if (n != 0)
        return -1;
    to[used] = '\0';
    return (int)used;
}

int calf_write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    int result;

    if (fd < 0)
        return -1;
    result = calf_write_all(fd, text, strlen(text));
    close(fd);
    return result;
}
