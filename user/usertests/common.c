/*
 * What several of the tests use; usertests.h says what each does.
 */
#include "usertests.h"

char work[WORK_BYTES] __attribute__((aligned(PGSIZE)));

int lowest_free(void)
{
    int fd = dup(0);

    close(fd);
    return fd;
}

__asm__(".text\n"
        ".globl raw_call\n"
        "raw_call:\n"
        "    mv a7, a0\n"
        "    mv a0, a1\n"
        "    mv a1, a2\n"
        "    mv a2, a3\n"
        "    ecall\n"
        "    ret\n");

char pattern_byte(uint i)
{
    return (char)(i * 7 + i / 253 + 11);
}

void make_file(const char *name, uint bytes)
{
    int fd = open(name, O_CREATE | O_TRUNC | O_WRONLY);

    if (fd < 0)
        fail("cannot create %s", name);
    for (uint at = 0; at < bytes;) {
        uint part = bytes - at < 1024 ? bytes - at : 1024;
        for (uint i = 0; i < part; i++)
            work[i] = pattern_byte(at + i);
        if (write(fd, work, (int)part) != (int)part)
            fail("cannot write %u bytes at %u of %s", part, at, name);
        at += part;
    }
    close(fd);
}

void check_file(const char *name, uint bytes)
{
    int fd = open(name, O_RDONLY);
    uint at = 0;
    int n;

    if (fd < 0)
        fail("cannot open %s", name);
    while ((n = read(fd, work, 1000)) > 0) {
        for (int i = 0; i < n; i++, at++) {
            if (work[i] != pattern_byte(at))
                fail("byte %u of %s is wrong", at, name);
        }
    }
    close(fd);
    if (n < 0 || at != bytes)
        fail("%s has %u bytes, not %u", name, at, bytes);
}

void touch(const char *name)
{
    int fd = open(name, O_CREATE | O_RDWR);

    if (fd < 0)
        fail("cannot create %s", name);
    close(fd);
}

int exists(const char *name)
{
    int fd = open(name, O_RDONLY);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

void remove_file(const char *name)
{
    if (unlink(name) < 0)
        fail("cannot unlink %s", name);
}

char *page_heap(void)
{
    uint64 top = (uint64)sbrk(0);

    if (sbrk((int)(PGROUNDUP(top) + PGSIZE - top)) == SBRK_ERROR)
        fail("no memory for two pages of heap");
    return sbrk(0);
}

int count_by_growing(void)
{
    char *old = sbrk(0);
    int pages = 0;

    while (sbrk(PGSIZE) != SBRK_ERROR)
        pages++;
    sbrk((int)(old - sbrk(0)));
    return pages;
}

int count_by_child(void)
{
    int ends[2], pages = 0;
    char byte;

    if (pipe(ends) < 0)
        fail("no pipe");
    if (start() == 0) {
        close(ends[0]);
        for (char *at; (at = sbrk(PGSIZE)) != SBRK_ERROR;) {
            at[PGSIZE - 1] = 1;
            if (write(ends[1], "", 1) != 1)
                exit(1);
        }
        exit(0);
    }
    close(ends[1]);
    while (read(ends[0], &byte, 1) == 1)
        pages++;
    close(ends[0]);
    return wait_one() == 0 ? pages : -1;
}

uint next_random(uint *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}
