/*
 * The benchmark's view of Linux for riscv64, as a static program that is the
 * machine's first process: nothing else runs, and nothing is mounted unless a
 * disk is measured. Debian has what it needs for that in modules; they lie in
 * the initrd as in their package, compressed, which the kernel understands.
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
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* MODULE_INIT_COMPRESSED_FILE, which glibc's headers do not have. */
#define COMPRESSED 4

/* In the order in which they need each other. */
static const char *const modules[] = {
    "crc16", "crc32c_generic", "mbcache",    "jbd2",
    "ext4",  "virtio_mmio",    "virtio_blk",
};

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

static int load_module(const char *name)
{
    char path[64];
    int fd, result;

    snprintf(path, sizeof(path), "/modules/%s", name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    result = (int)syscall(SYS_finit_module, fd, "", COMPRESSED);
    close(fd);
    return result;
}

static int mount_at(const char *what, const char *where, const char *kind)
{
    mkdir(where, 0755);
    return mount(what, where, kind, 0, NULL);
}

int port_disk_start(void)
{
    for (unsigned i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
        if (load_module(modules[i]) < 0) {
            port_print("# %s is not there or does not load\n", modules[i]);
            return -1;
        }
    }
    /* The initrd may have mounted devtmpfs already. */
    mount_at("devtmpfs", "/dev", "devtmpfs");
    if (mount_at("proc", "/proc", "proc") < 0 ||
        mount_at("/dev/vda", "/disk", "ext3") < 0)
        return -1;
    return chdir("/disk");
}

int port_disk_sync(void)
{
    sync();
    return 0;
}

int port_disk_forget(void)
{
    int fd, result;

    sync();
    fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
    if (fd < 0)
        return -1;
    result = write(fd, "3\n", 2) == 2 ? 0 : -1;
    close(fd);
    return result;
}

long port_disk_sectors(void)
{
    char line[256];
    long sectors = -1;
    FILE *file = fopen("/proc/diskstats", "r");

    if (file == NULL)
        return -1;
    /* Numbers of the device, name, reads, those merged, sectors read. */
    while (sectors < 0 && fgets(line, sizeof(line), file))
        if (sscanf(line, "%*d %*d vda %*d %*d %ld", &sectors) != 1)
            sectors = -1;
    fclose(file);
    return sectors;
}
