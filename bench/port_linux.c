/*
 * The benchmark's view of Linux for riscv64, as a static program that is the
 * machine's first process: nothing else runs, nothing is mounted.
 *
 * The clock is the machine's own, read as Calf's programs read it.
 */
#define _GNU_SOURCE
#include "port.h"

#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* The time base of QEMU's machine `virt`. */
#define NS_A_STEP 100

void port_end(int status)
{
    if (getpid() == 1) {
        tcdrain(1); /* or the last line would be lost */
        reboot(RB_POWER_OFF);
    }
    _exit(status);
}

uint64_t port_clock_ns(void)
{
    uint64_t steps;

    __asm__ volatile("rdtime %0" : "=r"(steps));
    return steps * NS_A_STEP;
}

void port_sleep(int seconds)
{
    sleep((unsigned)seconds);
}

void port_print(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vdprintf(1, format, arguments);
    va_end(arguments);
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
    _exit(status);
}

int port_wait(void)
{
    int status;

    return wait(&status) < 0 || status != 0 ? -1 : 0;
}

void port_exec_nothing(void)
{
    execl("/init", "/init", "nothing", (char *)NULL);
}

char *port_memory(size_t bytes)
{
    void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return base == MAP_FAILED ? NULL : base;
}

void port_memory_end(char *base, size_t bytes)
{
    munmap(base, bytes);
}

uint64_t port_free_frames(void)
{
    struct sysinfo info;

    if (sysinfo(&info) < 0)
        return 0;
    return (uint64_t)info.freeram * info.mem_unit / PORT_PAGE;
}

int port_pin(unsigned hart)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(hart, &set);
    return sched_setaffinity(0, sizeof(set), &set);
}

int port_pipe(int ends[2])
{
    return pipe(ends);
}

int port_create(const char *path)
{
    return open(path, O_CREAT | O_TRUNC | O_RDWR, 0600);
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
    return (int)read(fd, to, (size_t)bytes);
}

int port_write(int fd, const void *from, int bytes)
{
    return (int)write(fd, from, (size_t)bytes);
}

void port_close(int fd)
{
    close(fd);
}
