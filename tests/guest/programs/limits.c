/*
 * The sizes and limits that programs written for xv6 count on: how many
 * processes, how large a file, how deep, how long a name; and that coming to
 * a limit leaves nothing behind.
 */
#include "check.h"
#include "kernel/fcntl.h"
#include "kernel/fs.h"
#include "kernel/riscv.h"
#include "kernel/stat.h"

#define FORKS     1000
#define FILE_SIZE (268 * 1024)
#define DEPTH     51
#define LINKS     500
#define BAD_EXECS 5000

static char block[1024];

/* Fork until it fails, below 1000; and again when they are gone. */
static void check_processes(void)
{
    for (int twice = 0; twice < 2; twice++) {
        int count = 0, hold[2];
        CHECK(pipe(hold) == 0);
        while (count < FORKS) {
            int pid = fork();
            if (pid < 0)
                break;
            if (pid == 0) {
                char byte;
                close(hold[1]);
                read(hold[0], &byte, 1);
                exit(0);
            }
            count++;
        }
        close(hold[0]);
        close(hold[1]);
        printf("%d forks\n", count);
        CHECK(count > 20 && count < FORKS);
        for (int i = 0; i < count; i++)
            CHECK(wait(0) > 0);
        CHECK(wait(0) == -1);
    }
}

static void check_big_file(void)
{
    int fd = open("/tmp/big", O_CREATE | O_RDWR);
    for (int i = 0; i < FILE_SIZE / 1024; i++) {
        memset(block, i, sizeof(block));
        CHECK(write(fd, block, sizeof(block)) == (int)sizeof(block));
    }
    close(fd);
    fd = open("/tmp/big", O_RDONLY);
    for (int i = 0; i < FILE_SIZE / 1024; i++) {
        CHECK(read(fd, block, sizeof(block)) == (int)sizeof(block));
        CHECK(block[0] == (char)i && block[1023] == (char)i);
    }
    CHECK(read(fd, block, 1) == 0);
    CHECK(unlink("/tmp/big") == 0);
    CHECK(read(fd, block, 1) == 0); /* unlinked, but open */
    close(fd);
    CHECK(open("/tmp/big", O_RDONLY) == -1);
}

static void check_depth(void)
{
    for (int i = 0; i < DEPTH; i++)
        CHECK(mkdir("deep") == 0 && chdir("deep") == 0);
    for (int i = 0; i < DEPTH; i++)
        CHECK(chdir("..") == 0 && unlink("deep") == 0);
}

static void check_links(void)
{
    char name[16];
    struct stat st;
    close(open("/tmp/l", O_CREATE | O_RDWR));
    for (int i = 0; i < LINKS; i++) {
        calf_format(name, sizeof(name), "/tmp/l%d", i);
        CHECK(link("/tmp/l", name) == 0);
    }
    CHECK(stat("/tmp/l", &st) == 0 && st.nlink == LINKS + 1);
    for (int i = 0; i < LINKS; i++) {
        calf_format(name, sizeof(name), "/tmp/l%d", i);
        CHECK(unlink(name) == 0);
    }
    CHECK(unlink("/tmp/l") == 0);
}

/* 14 bytes of a name count, the rest is cut without a word. */
static void check_names(void)
{
    struct dirent entry = {0};
    int found = 0, fd;
    CHECK(mkdir("/tmp/n") == 0);
    close(open("/tmp/n/abcdefghijklmnopqr", O_CREATE | O_RDWR));
    fd = open("/tmp/n/abcdefghijklmn", O_RDONLY);
    CHECK(fd >= 0);
    close(fd);
    fd = open("/tmp/n", O_RDONLY);
    while (read(fd, &entry, sizeof(entry)) == (int)sizeof(entry))
        found += entry.inum && !memcmp(entry.name, "abcdefghijklmn", DIRSIZ);
    close(fd);
    CHECK(found == 1);
    CHECK(unlink("/tmp/n/abcdefghijklmnXY") == 0 && unlink("/tmp/n") == 0);
}

static void check_bad_execs(void)
{
    static char *arguments[] = {"x", 0};
    long free = calf_meminfo("free");
    for (int i = 0; i < BAD_EXECS; i++)
        CHECK(exec(i % 2 ? "/none" : "/README", arguments) == -1);
    CHECK(calf_meminfo("free") > free - 16);
}

/* A gigabyte is too much here; 32 MB can be had, and are zero. */
static void check_memory(void)
{
    char *old = sbrk(0);
    CHECK(sbrk(1 << 30) == SBRK_ERROR && sbrk(0) == old);
    CHECK(sbrk(32 << 20) == old);
    for (int at = 0; at < 32 << 20; at += PGSIZE)
        CHECK(old[at] == 0);
    CHECK(sbrk(-(32 << 20)) == old + (32 << 20) && sbrk(0) == old);
}

static void check_sharing_of_files(void)
{
    int fd = open("/tmp/s", O_CREATE | O_RDWR);
    if (fork() == 0) {
        write(fd, "child ", 6);
        exit(0);
    }
    wait(0);
    CHECK(write(fd, "parent", 6) == 6); /* one position for both */
    close(fd);
    fd = open("/tmp/s", O_RDONLY);
    CHECK(read(fd, block, 64) == 12 && !memcmp(block, "child parent", 12));
    close(fd);
    CHECK(unlink("/tmp/s") == 0);
}

int main(void)
{
    check_processes();
    check_big_file();
    check_depth();
    check_links();
    check_names();
    check_bad_execs();
    check_memory();
    check_sharing_of_files();
    return check_result();
}
