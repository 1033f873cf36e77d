/*
 * Bad arguments of every system call: each gives -1, and nothing has changed:
 * no descriptor taken, no child lost, no byte of a pipe gone, the break where
 * it was.
 */
#include "check.h"
#include "kernel/fcntl.h"
#include "kernel/riscv.h"
#include "kernel/stat.h"

static const uint64 bad_addresses[] = {
    0x3fffffe000, 0x3ffffff000, 0x3fffffffff,       0x4000000000,
    0x80000000,   0x80200000,   0xffffffc080200000, 0xffffffff80000000,
    1ul << 63,    ~0ul - 4095,  ~0ul - 7,           ~0ul,
};
#define BAD_ADDRESSES (sizeof(bad_addresses) / sizeof(bad_addresses[0]))

static const int bad_descriptors[] = {-1, 3,  15,      16,
                                      17, 64, 1 << 20, (int)(1u << 31)};
#define BAD_DESCRIPTORS (sizeof(bad_descriptors) / sizeof(bad_descriptors[0]))

static char long_path[300];
static char many[] = "x";

long raw_call(long number, long a0, long a1, long a2);
__asm__(".text\n"
        "raw_call:\n"
        "    mv a7, a0\n"
        "    mv a0, a1\n"
        "    mv a1, a2\n"
        "    mv a2, a3\n"
        "    ecall\n"
        "    ret\n");

/* The lowest free descriptor, and so whether any was lost. */
static int lowest(void)
{
    int fd = dup(0);
    close(fd);
    return fd;
}

static void check_addresses(void)
{
    int ends[2], file = open("/tmp/bad", O_CREATE | O_RDWR);
    struct stat st;
    char byte = 0;
    CHECK(file >= 0 && pipe(ends) == 0);
    CHECK(write(ends[1], "p", 1) == 1 && write(file, "f", 1) == 1);
    for (uint i = 0; i < BAD_ADDRESSES; i++) {
        char *bad = (char *)bad_addresses[i];
        int free_one = lowest();
        CHECK(read(ends[0], bad, 1) == -1);
        CHECK(write(ends[1], bad, 1) == -1);
        CHECK(write(file, bad, 1) == -1);
        CHECK(write(1, bad, 1) == -1);
        CHECK(fstat(file, (struct stat *)bad) == -1);
        CHECK(pipe((int *)bad) == -1);
        CHECK(open(bad, O_RDONLY) == -1 && open(bad, O_CREATE) == -1);
        CHECK(mkdir(bad) == -1 && unlink(bad) == -1 && chdir(bad) == -1);
        CHECK(link(bad, "/tmp/x") == -1 && link("/tmp/bad", bad) == -1);
        CHECK(mknod(bad, 1, 1) == -1);
        CHECK(exec(bad, (char *[]){many, 0}) == -1);
        CHECK(exec("/bin/echo", (char **)bad) == -1);
        CHECK(exec("/bin/echo", (char *[]){bad, 0}) == -1);
        CHECK(lowest() == free_one);
    }
    CHECK(fstat(file, &st) == 0 && st.size == 1);
    CHECK(read(ends[0], &byte, 1) == 1 && byte == 'p');
    close(ends[0]);
    close(ends[1]);
    close(file);
    CHECK(unlink("/tmp/bad") == 0);
}

static void check_descriptors(void)
{
    struct stat st;
    char byte;
    for (uint i = 0; i < BAD_DESCRIPTORS; i++) {
        int bad = bad_descriptors[i];
        CHECK(read(bad, &byte, 1) == -1);
        CHECK(write(bad, "x", 1) == -1);
        CHECK(close(bad) == -1);
        CHECK(dup(bad) == -1);
        CHECK(fstat(bad, &st) == -1);
    }
    CHECK(read(0, &byte, -1) == -1 && write(1, "x", -1) == -1);
    CHECK(write(1, "x", (int)(1u << 31)) == -1);
    int directions[2] = {open("/README", O_RDONLY),
                         open("/tmp/w", O_CREATE | O_WRONLY)};
    CHECK(write(directions[0], "x", 1) == -1);
    CHECK(read(directions[1], &byte, 1) == -1);
    close(directions[0]);
    close(directions[1]);
    unlink("/tmp/w");
    while (dup(0) >= 0)
        continue;
    int ends[2] = {-7, -7};
    CHECK(pipe(ends) == -1 && open("/README", O_RDONLY) == -1);
    close(5);
    CHECK(pipe(ends) == -1 && lowest() == 5);
    for (int fd = 3; fd < 16; fd++)
        close(fd);
    CHECK(lowest() == 3);
}

static void check_paths(void)
{
    memset(long_path, 'a', sizeof(long_path) - 1);
    long_path[0] = '/';
    CHECK(open(long_path, O_CREATE | O_RDWR) == -1);
    CHECK(mkdir(long_path) == -1 && exec(long_path, (char *[]){many, 0}) == -1);
    /* An empty path is the current folder. */
    CHECK(open("", O_RDONLY) == 3 && close(3) == 0 && chdir("") == 0);
    CHECK(open("", O_RDWR) == -1 && open("", O_CREATE | O_RDWR) == -1);
    CHECK(mkdir("") == -1 && unlink("") == -1);
    CHECK(mkdir("/") == -1 && mkdir("/tmp") == -1 && mkdir("/no/way") == -1);
    CHECK(unlink("/") == -1 && unlink("/none") == -1);
    CHECK(unlink("/tmp/.") == -1 && unlink("/tmp/..") == -1);
    CHECK(mkdir("/tmp/d") == 0 && mkdir("/tmp/d/e") == 0);
    CHECK(unlink("/tmp/d") == -1);
    CHECK(link("/tmp/d", "/tmp/d2") == -1);
    CHECK(unlink("/tmp/d/e") == 0 && unlink("/tmp/d") == 0);
    CHECK(link("/none", "/tmp/x") == -1 && link("/README", "/tmp") == -1);
    CHECK(chdir("/README") == -1 && chdir("/none") == -1);
    CHECK(open("/README/x", O_RDONLY) == -1);
    CHECK(open("/tmp", O_RDWR) == -1 && open("/tmp", O_WRONLY) == -1);
    CHECK(open("/tmp", O_CREATE) == -1 && open("/tmp", O_TRUNC) == -1);
    CHECK(exec("/README", (char *[]){many, 0}) == -1);
    CHECK(exec("/tmp", (char *[]){many, 0}) == -1);
    CHECK(lowest() == 3);
}

static void check_processes(void)
{
    char *brk = sbrk(0);
    CHECK(kill(-1) == -1 && kill(0) == -1 && kill(1 << 30) == -1);
    CHECK(wait(0) == -1);
    CHECK(sbrk((int)(1u << 31)) == brk && sbrk(0) == brk);
    for (int i = 0; i < 4; i++)
        CHECK(sbrk(0x7fffffff) == SBRK_ERROR && sbrk(0) == brk);
    int pid = fork();
    if (pid == 0)
        exit(42);
    int status = 0;
    for (uint i = 0; i < BAD_ADDRESSES; i++)
        CHECK(wait((int *)bad_addresses[i]) == -1);
    CHECK(wait((int *)lowest) == -1); /* text */
    CHECK(wait(&status) == pid && status == 42);
}

static void check_unknown_calls(void)
{
    static const long numbers[] = {
        0, 22, 23, 63, 64, 1000, -1, 1l << 32, (long)(1ul << 63)};
    for (uint i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        CHECK(raw_call(numbers[i], 1, 2, 3) == -1);
}

static void check_exec_arguments(void)
{
    static char big[220];
    static char *arguments[40];
    memset(big, 'b', sizeof(big) - 1);
    for (int i = 0; i < 31; i++)
        arguments[i] = big;
    CHECK(exec("/bin/echo", arguments) == -1); /* above a page */
    for (int i = 0; i < 32; i++)
        arguments[i] = many;
    CHECK(exec("/bin/echo", arguments) == -1);
    arguments[31] = 0;
    if (fork() == 0) {
        exec("/bin/echo", arguments);
        exit(7);
    }
    int status = -2;
    CHECK(wait(&status) > 0 && status == 0);
}

int main(void)
{
    CHECK(lowest() == 3);
    check_addresses();
    check_descriptors();
    check_paths();
    check_processes();
    check_unknown_calls();
    check_exec_arguments();
    CHECK(lowest() == 3);
    return check_result();
}
