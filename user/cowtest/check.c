/*
 * What sections are written with; cowtest.h says what each does.
 */
#include "cowtest.h"

#define WORDS_A_PAGE (PGSIZE / sizeof(uint64))

long counter(const char *name)
{
    long value = calf_meminfo(name);

    if (value < 0)
        fail("cannot read %s from /proc/meminfo", name);
    return value;
}

char *take_pages(long pages)
{
    char *base = sbrk(0);

    /* The heap begins at a page and sections move it by pages. */
    if ((uint64)base % PGSIZE != 0)
        fail("the heap does not end at a page: %p", base);
    while (pages > 0) {
        long part = pages < (1 << 15) ? pages : (1 << 15);
        if (sbrk((int)(part * PGSIZE)) == SBRK_ERROR)
            fail("no memory: sbrk of %ld pages failed", part);
        pages -= part;
    }
    return base;
}

void give_pages(long pages)
{
    while (pages > 0) {
        long part = pages < (1 << 15) ? pages : (1 << 15);
        if (sbrk((int)(-part * PGSIZE)) == SBRK_ERROR)
            fail("sbrk of -%ld pages failed", part);
        pages -= part;
    }
}

void stamp(char *base, long index, uint64 tag)
{
    volatile uint64 *words = (uint64 *)(base + index * PGSIZE);
    uint64 mark = tag << 32 | (uint64)index;

    words[0] = mark;
    words[WORDS_A_PAGE / 2] = ~mark;
    words[WORDS_A_PAGE - 1] = mark;
}

void stamp_pages(char *base, long pages, uint64 tag)
{
    for (long i = 0; i < pages; i++)
        stamp(base, i, tag);
}

void check_stamp(char *base, long index, uint64 tag, const char *who)
{
    volatile uint64 *words = (uint64 *)(base + index * PGSIZE);
    uint64 mark = tag << 32 | (uint64)index;

    if (words[0] != mark || words[WORDS_A_PAGE / 2] != ~mark ||
        words[WORDS_A_PAGE - 1] != mark)
        fail("%s: page %ld has mark %lx, not %lx", who, index, words[0], mark);
}

void check_pages(char *base, long pages, uint64 tag, const char *who)
{
    for (long i = 0; i < pages; i++)
        check_stamp(base, i, tag, who);
}

void signal_make(struct signal *s)
{
    if (pipe(s->ends) < 0)
        fail("pipe failed");
}

static void close_end(int *end)
{
    if (*end >= 0)
        close(*end);
    *end = -1;
}

void signal_i_send(struct signal *s)
{
    close_end(&s->ends[0]);
}

void signal_i_wait(struct signal *s)
{
    close_end(&s->ends[1]);
}

void signal_send(struct signal *s)
{
    if (write(s->ends[1], "!", 1) != 1)
        fail("cannot signal another process");
}

void signal_wait(struct signal *s)
{
    char c;

    if (read(s->ends[0], &c, 1) != 1)
        fail("the process waited for is gone");
}

void signal_drop(struct signal *s)
{
    close_end(&s->ends[0]);
    close_end(&s->ends[1]);
}

char scratch_byte(uint i)
{
    return (char)(i * 31 + i / 251 + 7);
}

int scratch_open(uint bytes)
{
    static char part[1024];
    int fd = open(SCRATCH_FILE, O_CREATE | O_TRUNC | O_WRONLY);

    for (uint i = 0; i < bytes; i += sizeof(part)) {
        for (uint k = 0; k < sizeof(part); k++)
            part[k] = scratch_byte(i + k);
        if (calf_write_all(fd, part, sizeof(part)) < 0)
            fail("cannot write " SCRATCH_FILE);
    }
    close(fd);
    fd = open(SCRATCH_FILE, O_RDONLY);
    if (fd < 0)
        fail("cannot open " SCRATCH_FILE);
    return fd;
}

const char *test_argument(uint i)
{
    static char text[64];

    calf_format(text, sizeof(text), "argument %u of a process that shares", i);
    return text;
}
