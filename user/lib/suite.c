/*
 * What test suites are written with; suite.h says what each does.
 */
#include "suite.h"
#include "kernel/fcntl.h"
#include "kernel/riscv.h"

extern char data_start[], end[]; /* user.ld */

int report_fd = 2;

void fail_at(const char *file, int line, const char *format, ...)
{
    static char text[200];
    va_list args;
    int used;

    while (strchr(file, '/') != 0)
        file = strchr(file, '/') + 1;
    used = calf_format(text, sizeof(text), "%s:%d: ", file, line);
    va_start(args, format);
    used += calf_vformat(text + used, sizeof(text) - (uint)used, format, args);
    va_end(args);
    if (report_fd == 2)
        text[used] = '\n';
    write(report_fd, text, used + 1);
    exit(1);
}

int can_audit(void)
{
    int fd = open("/proc/audit", O_RDONLY);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

int audit_is_clean(char *why, uint size)
{
    static const char clean[] = "audit: clean\n";
    int fd = open("/proc/audit", O_RDONLY);
    int n = fd < 0 ? -1 : read(fd, why, (int)size - 1);

    if (fd >= 0)
        close(fd);
    if (n <= 0) {
        calf_format(why, size, "cannot read /proc/audit");
        return -1;
    }
    why[n] = '\0';
    return memcmp(why, clean, sizeof(clean) - 1) == 0 ? 0 : -1;
}

static const char *const kinds[PAGE_KINDS] = {"free",   "anonymous", "table",
                                              "cache",  "slab",      "stack",
                                              "kernel", "objects"};

void count_pages(long counts[PAGE_KINDS])
{
    /* What the kernel keeps of a disk to be faster is nobody's, but counts. */
    (void)calf_write_file("/proc/disks", "drop\n");
    for (uint i = 0; i < PAGE_KINDS; i++)
        counts[i] = calf_meminfo(kinds[i]);
}

int compare_pages(const long before[PAGE_KINDS], int tries, char *why,
                  uint size)
{
    long after[PAGE_KINDS];
    uint used = 0;

    for (int i = 0;; i++) {
        count_pages(after);
        if (after[0] == before[0] && after[0] >= 0 &&
            after[PAGE_KINDS - 1] == before[PAGE_KINDS - 1])
            return 0;
        if (i == tries)
            break;
        pause(1);
    }
    for (uint i = 0; i < PAGE_KINDS; i++) {
        if (after[i] != before[i])
            used += (uint)calf_format(
                why + used, size - used, "%s%s was %ld and is %ld",
                used > 0 ? ", " : "", kinds[i], before[i], after[i]);
    }
    return -1;
}

int start(void)
{
    int pid = fork();

    if (pid < 0)
        fail("fork failed");
    return pid;
}

int wait_one(void)
{
    int status;

    if (wait(&status) < 0)
        fail("wait found no child");
    return status;
}

void finish(int children)
{
    int worst = 0;

    for (; children > 0; children--) {
        int status = wait_one();
        if (status != 0 && worst != 1)
            worst = status;
    }
    if (worst == 1)
        exit(1);
    if (worst == -1)
        fail("a child was killed");
    if (worst != 0)
        fail("a child ended with status %d", worst);
}

int status_of(void (*action)(void))
{
    if (start() == 0) {
        action();
        exit(0);
    }
    return wait_one();
}

int dies(void (*action)(uint64), uint64 argument)
{
    int pid = start();

    if (pid == 0) {
        action(argument);
        exit(0);
    }
    return wait_one() == -1;
}

/* The compiler must not know the address: it takes a known 0 for a mistake. */
static volatile char *hidden(uint64 address)
{
    __asm__ volatile("" : "+r"(address));
    return (volatile char *)address;
}

void load_byte(uint64 address)
{
    (void)*hidden(address);
}

void store_byte(uint64 address)
{
    *hidden(address) = 1;
}

static void rewrite(uint64 address)
{
    volatile char *byte = (char *)address;
    char value = *byte;

    *byte = value;
}

void settle(void)
{
    for (uint64 at = (uint64)data_start; at < (uint64)end; at += PGSIZE)
        rewrite(at);
    rewrite(r_sp());
}

long take_everything(void)
{
    long taken = 0;

    for (long part = 4096; part > 0; part /= 2) {
        while (sbrk((int)(part * PGSIZE)) != SBRK_ERROR)
            taken += part;
    }
    return taken;
}
