/*
 * The benchmark's view of Calf: xv6's calls and Calf's library.
 */
#include "port.h"

#include "calf.h"
#include "kernel/fcntl.h"

/* Where the runner puts this program. */
static char self[] = "/bench";
static char nothing[] = "nothing";

void port_end(int status)
{
    exit(status);
}

uint64_t port_clock_ns(void)
{
    return calf_clock_ns();
}

void port_sleep(int seconds)
{
    pause(seconds * 10);
}

void port_print(const char *format, ...)
{
    char line[256];
    va_list arguments;

    va_start(arguments, format);
    int length = calf_vformat(line, sizeof(line), format, arguments);
    va_end(arguments);
    calf_write_all(1, line, (uint)length);
}

void port_null_calls(long count)
{
    while (count-- > 0)
        getpid();
}

int port_fork(void)
{
    return fork();
}

void port_exit(int status)
{
    exit(status);
}

int port_wait(void)
{
    int status;

    return wait(&status) < 0 || status != 0 ? -1 : 0;
}

void port_exec_nothing(void)
{
    char *arguments[] = {self, nothing, 0};

    exec(self, arguments);
}

char *port_memory(size_t bytes)
{
    size_t end = (size_t)sbrklazy(0);
    size_t to_page = -end % PORT_PAGE;

    if (bytes > INT32_MAX || sbrklazy((int)to_page) == SBRK_ERROR)
        return NULL;
    char *base = sbrklazy((int)bytes);
    return base == SBRK_ERROR ? NULL : base;
}

void port_memory_end(char *base, size_t bytes)
{
    (void)base;
    sbrk(-(int)bytes);
}

uint64_t port_free_frames(void)
{
    long frames = calf_meminfo("free");

    return frames < 0 ? 0 : (uint64_t)frames;
}

int port_pin(unsigned hart)
{
    (void)hart;
    return -1;
}

int port_pipe(int ends[2])
{
    return pipe(ends);
}

int port_create(const char *path)
{
    return open(path, O_CREATE | O_TRUNC | O_RDWR);
}

int port_open(const char *path)
{
    return open(path, O_RDONLY);
}

int port_remove(const char *path)
{
    return unlink(path);
}

int port_read(int fd, void *to, int bytes)
{
    return read(fd, to, bytes);
}

int port_write(int fd, const void *from, int bytes)
{
    return write(fd, from, bytes);
}

void port_close(int fd)
{
    close(fd);
}

/* The disk is the root. */
int port_disk_start(void)
{
    return chdir("/");
}

int port_disk_sync(void)
{
    return calf_write_file("/proc/disks", "sync\n");
}

int port_disk_forget(void)
{
    return calf_write_file("/proc/disks", "drop\n");
}

long port_disk_sectors(void)
{
    static const char key[] = "sectors read ";
    char text[512];

    if (calf_read_file("/proc/disks", text, sizeof(text)) < 0)
        return -1;
    for (char *at = text; *at != '\0'; at++)
        if (memcmp(at, key, sizeof(key) - 1) == 0)
            return atoi(at + sizeof(key) - 1);
    return -1;
}
