/*
 * oddnames WHAT: paths and numbers that a program seldom uses, in the current
 * folder, whatever file system that is on.
 */
#include "check.h"
#include "kernel/fcntl.h"
#include "kernel/stat.h"
#include "kernel/syscall.h"

static struct stat here, there;

static int same_folder(const char *a, const char *b)
{
    return stat(a, &here) == 0 && stat(b, &there) == 0 &&
           here.dev == there.dev && here.ino == there.ino;
}

static void empty_path(void)
{
    int fd = open("", O_RDONLY);
    char *words[] = {"x", 0};

    CHECK(fd >= 0 && fstat(fd, &here) == 0 && here.type == T_DIR);
    close(fd);
    CHECK(same_folder("", "."));
    CHECK(chdir("") == 0 && same_folder("", "."));
    CHECK(open("", O_CREATE | O_RDWR) == -1);
    CHECK(open("", O_WRONLY) == -1 && open("", O_RDONLY | O_TRUNC) == -1);
    CHECK(mkdir("") == -1 && mknod("", 1, 0) == -1 && unlink("") == -1);
    close(open("f", O_CREATE));
    CHECK(link("f", "") == -1 && link("", "g") == -1);
    CHECK(calf_rename("f", "") == -1 && calf_rename("", "g") == -1);
    CHECK(calf_symlink("f", "") == -1 && exec("", words) == -1);
    CHECK(unlink("f") == 0);
}

static void parent_of_removed(void)
{
    CHECK(stat(".", &there) == 0);
    CHECK(mkdir("gp") == 0 && chdir("gp") == 0 && unlink("../gp") == 0);
    CHECK(chdir("..") == 0 && stat(".", &here) == 0 && here.ino == there.ino);
    /* So it is when the parent has gone, too. */
    CHECK(mkdir("a") == 0 && mkdir("a/b") == 0 && chdir("a/b") == 0);
    CHECK(unlink("../b") == 0 && unlink("../../a") == 0);
    CHECK(open("f", O_CREATE | O_RDWR) == -1 && mkdir("../f") == -1);
    CHECK(chdir("..") == 0 && chdir("..") == 0);
    CHECK(stat(".", &here) == 0 && here.ino == there.ino);
}

static long call_with_high_bits(void)
{
    register long number __asm__("a7") = 1L << 32 | SYS_getpid;
    register long result __asm__("a0");

    __asm__ volatile("ecall" : "=r"(result) : "r"(number) : "memory");
    return result;
}

static void odd_numbers(void)
{
    char byte[1];
    int fd;

    CHECK(mknod("x", -1, 0) == 0 && stat("x", &here) == -1);
    CHECK(open("x", O_RDWR) == -1 && unlink("x") == 0);
    CHECK(mknod("x", 99, -2) == 0 && open("x", O_RDONLY) == -1);
    CHECK(unlink("x") == 0);
    fd = open("f", O_CREATE | O_RDWR);
    CHECK(write(fd, "ab", 2) == 2);
    CHECK(read(fd, byte, -1) == -1 && write(fd, byte, -1) == -1);
    CHECK(fstat(fd, &here) == 0 && here.size == 2);
    close(fd);
    CHECK(unlink("f") == 0);
    CHECK(call_with_high_bits() == getpid());
}

int main(int argc, char **argv)
{
    if (argc == 2 && calf_same(argv[1], "empty"))
        empty_path();
    else if (argc == 2 && calf_same(argv[1], "removed"))
        parent_of_removed();
    else if (argc == 2 && calf_same(argv[1], "numbers"))
        odd_numbers();
    else
        return 2;
    return check_result();
}
