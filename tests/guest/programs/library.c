/*
 * Every header and every library function that programs written for xv6 use,
 * included and called as they do, with nothing of Calf's own. Each check that
 * fails says its line; the lines between the marks are for the reader of the
 * test to compare.
 */
#include "kernel/types.h"
#include "kernel/param.h"
#include "kernel/stat.h"
#include "kernel/spinlock.h"
#include "kernel/sleeplock.h"
#include "kernel/fs.h"
#include "kernel/file.h"
#include "kernel/fcntl.h"
#include "kernel/syscall.h"
#include "kernel/memlayout.h"
#include "kernel/riscv.h"
#include "user/user.h"

int main(int argc, char *argv[]);

static int failures;

static void check(int good, int line)
{
    if (!good) {
        printf("library: line %d: not so\n", line);
        failures++;
    }
}
#define CHECK(condition) check((condition) != 0, __LINE__)

static void strings(void)
{
    char text[32];
    char *end = text + sizeof(text) - 1;

    CHECK(strlen("") == 0 && strlen("four") == 4);
    CHECK(strcpy(text, "copied") == text && strcmp(text, "copied") == 0);
    CHECK(strcmp("a", "b") < 0 && strcmp("b", "a") > 0);
    CHECK(strcmp("ab", "a") > 0 && strcmp("", "a") < 0);
    CHECK(strcmp("\377", "a") > 0);
    CHECK(strchr(text, 'p') == text + 2 && strchr(text, 'q') == 0);
    CHECK(strchr(text, 'c') == text);
    CHECK(atoi("123") == 123 && atoi("12x") == 12 && atoi("x") == 0);
    CHECK(atoi("") == 0 && atoi("007") == 7 && atoi("2147483647") > 0);
    CHECK(memset(text, 'm', sizeof(text)) == text && *end == 'm');
    CHECK(memcmp("abc", "abd", 2) == 0 && memcmp("abc", "abd", 3) < 0);
    CHECK(memcmp("\377", "a", 1) > 0 && memcmp("x", "y", 0) == 0);
    CHECK(memcpy(text, "12345", 6) == text && strcmp(text, "12345") == 0);
    CHECK(memmove(text + 1, text, 5) == text + 1);
    CHECK(memcmp(text, "112345", 6) == 0);
    CHECK(memmove(text, text + 2, 4) == text && memcmp(text, "2345", 4) == 0);
}

static void heap(void)
{
    char *blocks[20];
    char *large = malloc(100000);
    int *many = malloc(10 * sizeof(int));

    CHECK(large != 0 && many != 0 && ((uint64)many & 7) == 0);
    memset(large, 1, 100000);
    for (int i = 0; i < 10; i++)
        many[i] = i;
    free(large);
    for (int i = 0; i < 20; i++) {
        blocks[i] = malloc(1000 + i);
        CHECK(blocks[i] != 0);
        memset(blocks[i], i, 1000 + i);
    }
    for (int i = 0; i < 20; i++)
        CHECK(blocks[i][0] == i && blocks[i][999 + i] == i);
    for (int i = 0; i < 20; i++)
        free(blocks[i]);
    for (int i = 0; i < 10; i++)
        CHECK(many[i] == i);
    free(many);
    CHECK(malloc(4000000000u) == 0);
}

static void calls(void)
{
    struct stat st;
    int ends[2], fd;
    char byte = 0;
    char *old;

    CHECK(stat("/", &st) == 0 && st.type == T_DIR && st.ino != 0);
    CHECK(stat("/none", &st) < 0);
    CHECK(pipe(ends) == 0 && write(ends[1], "x", 1) == 1);
    CHECK(read(ends[0], &byte, 1) == 1 && byte == 'x');
    fd = open("/tmp/library", O_CREATE | O_RDWR | O_TRUNC);
    CHECK(fd >= 0 && write(fd, "hello\nworld", 11) == 11);
    CHECK(fstat(fd, &st) == 0 && st.type == T_FILE && st.size == 11);
    CHECK(close(fd) == 0 && link("/tmp/library", "/tmp/library2") == 0);
    CHECK(unlink("/tmp/library") == 0);
    CHECK(mkdir("/tmp/folder") == 0 && chdir("/tmp/folder") == 0);
    CHECK(chdir("/") == 0 && unlink("/tmp/folder") == 0);
    CHECK(mknod("/tmp/device", CONSOLE, 0) == 0);
    CHECK(unlink("/tmp/device") == 0 && getpid() > 1 && uptime() >= 0);
    CHECK(sleep(0) == 0 && pause(0) == 0 && kill(-1) < 0);
    old = sbrk(PGSIZE);
    CHECK(old != (char *)-1 && sbrk(0) == old + PGSIZE);
    CHECK(sbrklazy(PGSIZE) == old + PGSIZE && sbrk(-2 * PGSIZE) > old);
    CHECK(dup(1) >= 0);
}

/* The bytes of stack that f() needs: those that do not keep their paint. */
static int stack_of(void (*f)(void))
{
    char *here = (char *)r_sp() - 64;
    char *low = (char *)PGROUNDDOWN(r_sp());
    char *at = low;

    memset(low, 0x5a, here - low - 256);
    f();
    while (*at == 0x5a)
        at++;
    return here - at;
}

static void print_much(void)
{
    printf("%s%d%x%p%lu\n", "---", -1000, -1, main, ~0UL);
}

static void allocate(void)
{
    free(malloc(100000));
}

/* A page of stack is all there is, and old programs fill most of it. */
static void stack(void)
{
    CHECK(stack_of(print_much) < 480);
    CHECK(stack_of(allocate) < 480);
}

/* gets reads from descriptor 0: a file is put there. */
static void input(void)
{
    char line[32];

    close(0);
    CHECK(open("/tmp/library2", O_RDONLY) == 0);
    CHECK(gets(line, 4) == line && strcmp(line, "hel") == 0);
    gets(line, sizeof(line));
    CHECK(strcmp(line, "lo\n") == 0);
    gets(line, sizeof(line));
    CHECK(strcmp(line, "world") == 0);
    gets(line, sizeof(line));
    CHECK(line[0] == 0);
    CHECK(unlink("/tmp/library2") == 0);
}

static void constants(void)
{
    CHECK(NPROC > 0 && NOFILE > 8 && MAXARG == 32 && MAXPATH == 128);
    CHECK(DIRSIZ == 14 && sizeof(struct dirent) == 16 && BSIZE == 1024);
    CHECK(MAXFILE * BSIZE == 268 * 1024);
    CHECK(PGSIZE == 4096 && MAXVA == 1L << 38 && TRAMPOLINE == MAXVA - PGSIZE);
    CHECK(KERNBASE == 0x80000000L && PGROUNDUP(1) == PGSIZE);
    CHECK(SYS_fork == 1 && SYS_close == 21 && SYS_sleep == SYS_pause);
    CHECK(O_CREATE == 0x200 && O_TRUNC == 0x400 && CONSOLE == 1);
    CHECK(sizeof(uchar) == 1 && sizeof(ushort) == 2 && sizeof(uint) == 4);
    CHECK(sizeof(uint64) == 8 && sizeof(uint8) == 1 && sizeof(uint32) == 4);
}

static void formats(void)
{
    fprintf(1, "---\n%d|%d|%u|%x|%c|%s|%%\n", 5, -12, 4000000000u, 0xbeef, 'c',
            "text");
    printf("%d|%x|%u\n", (int)(1u << 31), -1, 0);
    printf("%p|%p\n", (void *)0x1234, (void *)0);
    printf("%ld|%lu|%lx\n", -5000000000L, 1UL << 63, 0x123456789abcUL);
    printf("%lld|%llu|%llx\n", -5000000000LL, ~0ULL, ~0ULL);
    printf("%l|%s|%q|%\n", 6000000000UL, (char *)0);
    printf("---\n");
}

int main(int argc, char *argv[])
{
    if (argc != 2 || strcmp(argv[1], "argument") != 0) {
        fprintf(2, "usage: library argument\n");
        exit(1);
    }
    strings();
    heap();
    calls();
    constants();
    formats();
    stack();
    input();
    if (failures == 0)
        printf("all checks passed\n");
    exit(failures != 0);
}
