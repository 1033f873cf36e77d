/*
 * When there is no more: of the disk's blocks, of its files, of memory. Calls
 * fail, a process that cannot go on without dies alone, and all works again
 * after.
 */
#include "usertests.h"

#define FILL_LIMIT                                                             \
    (60 << 20) /* bytes; a disk that holds more is not filled                  \
                */
#define NAME_LIMIT 60000
#define PLENTY     2000 /* pages, and more than any test leaves */

static char filler[64 << 10];

/* Writes to one file until no more goes in; the bytes, or -1: it took all. */
static int fill_disk(const char *name)
{
    int fd = open(name, O_CREATE | O_TRUNC | O_WRONLY);
    int total = 0, n;

    if (fd < 0)
        return 0;
    while ((n = write(fd, filler, sizeof(filler))) > 0 && total < FILL_LIMIT)
        total += n;
    while (n != -1 && total < FILL_LIMIT)
        n = write(fd, filler, 1);
    close(fd);
    return n > 0 ? -1 : total;
}

static void test_disk_full(void)
{
    int first, again, fd;

    make_file("before", 20000);
    first = fill_disk("full");
    if (first >= 0) {
        expect(first > 1 << 20);
        fd = open("more", O_CREATE | O_RDWR);
        expect(fd < 0 || write(fd, filler, sizeof(filler)) < PGSIZE);
        if (fd >= 0) {
            close(fd);
            remove_file("more");
        }
    }
    check_file("before", 20000);
    remove_file("full");
    again = fill_disk("full");
    if (again < first - PGSIZE)
        fail("%d bytes fitted at first, then %d", first, again);
    remove_file("full");
    make_file("after", 20000);
    check_file("after", 20000);
    remove_file("after");
    remove_file("before");
}

/* Several processes fill the disk, each with files of its own. */
static void test_disk_full_races(void)
{
    enum { PROCESSES = 4 };
    char name[8] = "p0";

    for (int i = 0; i < PROCESSES; i++) {
        name[1] = (char)('0' + i);
        if (start() == 0) {
            int size = fill_disk(name);
            expect(size == -1 || size >= 0);
            exit(0);
        }
    }
    finish(PROCESSES);
    for (int i = 0; i < PROCESSES; i++) {
        name[1] = (char)('0' + i);
        unlink(name);
    }
    make_file("after", 20000);
    check_file("after", 20000);
    remove_file("after");
}

static const char *number_name(int i)
{
    static char name[16];

    calf_format(name, sizeof(name), "n%d", i);
    return name;
}

/* Creates so many files at most; how many there could be. */
static int create_files(int limit)
{
    int i = 0, fd;

    while (i < limit && (fd = open(number_name(i), O_CREATE | O_RDWR)) >= 0) {
        close(fd);
        i++;
    }
    return i;
}

/* Files until there can be no more; removed, they can be had again. */
static void test_inodes_full(void)
{
    int count = create_files(NAME_LIMIT);

    if (count < NAME_LIMIT)
        expect(mkdir("d") == -1 && mknod("x", 1, 1) == -1);
    expect(count >= 200);
    for (int i = 0; i < count; i++)
        remove_file(number_name(i));
    expect(create_files(200) == 200 && mkdir("d") == 0);
    for (int i = 0; i < 200; i++)
        remove_file(number_name(i));
    remove_file("d");
}

/* Files of half a page under some 200 names again and again, as one known
 * program does it: what a name had before is given back. */
static void test_names_repeat(void)
{
    for (int i = 0; i < 2000; i++) {
        int fd = open(number_name(i % 211), O_CREATE | O_TRUNC | O_RDWR);
        if (fd < 0 || write(fd, filler, 2048) != 2048)
            fail("no room for the file %d", i);
        close(fd);
    }
    for (int i = 0; i < 211; i++)
        remove_file(number_name(i));
}

/* Programs that count the pages they can have, before and after, count those
 * of small files that stay as lost, and those of processes that were there. */
static void test_counted_pages(void)
{
    enum { FILES = 6, CHILDREN = 30 };
    int before = count_by_growing(), now;

    expect(before > 100);
    for (int i = 0; i < FILES; i++)
        make_file(number_name(i), (uint)i % 2);
    expect(link(number_name(1), "link") == 0 && mkdir("d") == 0);
    for (int i = 0; i < CHILDREN; i++) {
        if (start() == 0) {
            pause(1);
            exit(0);
        }
    }
    finish(CHILDREN);
    pause(2);
    now = count_by_growing();
    if (now < before)
        fail("%d pages could be had, now %d", before, now);
    for (int i = 0; i < FILES; i++)
        remove_file(number_name(i));
    remove_file("link");
    remove_file("d");
}

/* Takes all memory but so many pages. */
static void leave_pages(int pages)
{
    settle();
    take_everything();
    if (sbrk(-pages * PGSIZE) == SBRK_ERROR)
        fail("memory cannot be given back");
}

/* When one has died for want of memory, children of his may still be about, and
 * with them all that he had. */
static void wait_for_memory(void)
{
    for (int tries = 0; sbrk(PLENTY * PGSIZE) == SBRK_ERROR; tries++) {
        if (tries == 300)
            fail("memory does not come back");
        pause(1);
    }
    sbrk(-PLENTY * PGSIZE);
}

/* Twenty forks with so many pages left; then memory is there again. */
static void fork_with_few_pages(int pages, char *heap)
{
    int children = 0;

    leave_pages(pages);
    for (int i = 0; i < 20; i++) {
        int pid = fork();
        if (pid == 0)
            exit(*heap == 0 ? 0 : 1);
        children += pid > 0;
    }
    while (children-- > 0) {
        int status = wait_one();
        expect(status == 0 || status == -1);
    }
    sbrk((int)(heap - sbrk(0)));
    if (start() == 0)
        exit(0);
    finish(1);
    exit(0);
}

/* fork where there is little memory or none: it fails, or the child is whole;
 * a process that finds no memory for its own copy of a page dies alone. */
static void test_memory_full_fork(void)
{
    static const int pages[] = {0, 1, 3, 8, 50, 1000};
    char *heap = page_heap();
    int status = -1;

    for (uint i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        wait_for_memory();
        if (start() == 0)
            fork_with_few_pages(pages[i], heap);
        status = wait_one();
        if (status != 0 && status != -1)
            exit(status);
    }
    expect(status == 0); /* there was enough, at last */
}

/* exec needs room for the new beside the old: it comes back, or comes through,
 * to die perhaps of having no more; half a program is never run. */
static void test_memory_full_exec(void)
{
    static const int pages[] = {0, 1, 3, 8, 16, 200};
    int status = -1;

    for (uint i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        if (start() == 0) {
            leave_pages(pages[i]);
            exec(self, (char *[]){"x", "@layout", 0});
            exit(50); /* with all of its memory still there */
        }
        status = wait_one();
        if (status != 50 && status != 0 && status != -1)
            fail("with %d pages: status %d", pages[i], status);
    }
    expect(status == 0); /* there was enough, at last */
}

/* Pipes and files until neither can be had; those that could be, work. */
static void use_up_descriptors(void)
{
    int both[2], count = 0, failed = 0;

    make_file("f", 100);
    leave_pages(2);
    while (failed < 3 && count < 40) {
        if (pipe(both) == 0) {
            count++;
            expect(write(both[1], "abc", 3) == 3);
            expect(read(both[0], work, 9) == 3 && work[2] == 'c');
        } else {
            failed++;
        }
        if (open("f", O_RDONLY) < 0)
            failed++;
    }
    for (int fd = lowest_free(); fd-- > 3;) {
        if (fd != report_fd)
            close(fd);
    }
    expect(sbrk(-50 * PGSIZE) != SBRK_ERROR);
    expect(pipe(both) == 0 && open("f", O_RDONLY) >= 0);
    expect(mkdir("d") == 0);
}

static void test_memory_full_files(void)
{
    expect(status_of(use_up_descriptors) == 0);
    remove_file("f");
    remove_file("d");
}

static void touch_lazily(uint64 pages)
{
    /* First, as the kernel's note of them takes memory, too. */
    char *heap = sbrklazy((int)pages * PGSIZE);

    expect(heap != SBRK_ERROR);
    leave_pages(0);
    for (uint64 i = 0; i < pages; i++)
        heap[i * PGSIZE] = 1;
}

/* Memory promised and not there: a process that touches it dies, others do not;
 * the kernel's own copies give an error. */
static void test_memory_full_lazy(void)
{
    int ends[2];

    expect(pipe(ends) == 0 && write(ends[1], "abc", 3) == 3);
    expect(dies(touch_lazily, 1000));
    if (start() == 0) {
        char *heap = sbrklazy(1000 * PGSIZE);
        int got = 0;
        take_everything();
        for (int i = 0; i < 3; i++)
            got += read(ends[0], heap + i * 300 * PGSIZE, 1) == 1;
        exit(got < 3 ? 0 : 40);
    }
    int status = wait_one();
    expect(status == 0 || status == 40 || status == -1);
}

const struct test full_tests[] = {
    {"memory-full-fork", test_memory_full_fork, NOISY},
    {"memory-full-exec", test_memory_full_exec, NOISY},
    {"memory-full-files", test_memory_full_files, NOISY},
    {"memory-full-lazy", test_memory_full_lazy, NOISY},
    {"counted-pages", test_counted_pages, 0},
    {"names-repeat", test_names_repeat, 0},
    {"disk-full", test_disk_full, SLOW},
    {"disk-full-races", test_disk_full_races, SLOW},
    {"inodes-full", test_inodes_full, SLOW},
    {0, 0, 0},
};
