/*
 * What copy-on-write is for: large processes fork, most of their memory is
 * never copied, and nobody sees another's writes.
 */
#include "cowtest.h"

/* Two thirds of memory: there is no room for a copy, but for one of what each
 * side writes. */
void test_simple(void)
{
    long pages = counter("free") / 3 * 2;
    char *base = take_pages(pages);
    struct signal written;

    stamp_pages(base, pages, 1);
    for (uint64 round = 2; round < 4; round++) {
        signal_make(&written);
        if (start() == 0) {
            signal_i_wait(&written);
            signal_wait(&written);
            check_stamp(base, 0, 1, "child");
            check_stamp(base, pages - 1, 1, "child");
            stamp(base, 1, round);
            exit(0);
        }
        stamp(base, 0, round);
        signal_i_send(&written);
        signal_send(&written);
        finish(1);
        signal_drop(&written);
        check_stamp(base, 0, round, "parent");
        stamp(base, 0, 1);
    }
    check_pages(base, pages, 1, "parent");
}

static void write_part(char *base, long pages, long part, uint64 tag)
{
    stamp_pages(base, part, tag);
    check_pages(base, part, tag, "a writer");
    for (long i = part; i < pages; i++)
        check_stamp(base, i, 1, "a writer, behind what it wrote");
}

/* Three processes write parts of a quarter of memory, each its own way. */
void test_three(void)
{
    long pages = counter("free") / 4;
    char *base = take_pages(pages);

    for (int round = 0; round < 2; round++) {
        stamp_pages(base, pages, 1);
        if (start() == 0) {
            if (start() == 0) {
                write_part(base, pages, pages / 5 * 4, 3);
                exit(0);
            }
            write_part(base, pages, pages / 2, 2);
            finish(1);
            check_pages(base, pages / 2, 2, "child");
            exit(0);
        }
        check_pages(base, pages, 1, "parent");
        stamp_pages(base, pages, 4);
        finish(1);
        check_pages(base, pages, 4, "parent");
    }
}

static void check_scratch(const char *at, uint first, uint bytes,
                          const char *who)
{
    for (uint i = 0; i < bytes; i++) {
        if (at[i] != scratch_byte(first + i))
            fail("%s: byte %u of what was read is wrong", who, i);
    }
}

/* Several children let the kernel write into the same shared pages. */
void test_file(void)
{
    enum { PAGES = 4, CHILDREN = 3, ROUNDS = 5, PART = 512 };
    char *base = take_pages(PAGES);

    close(scratch_open(PAGES * PGSIZE));
    stamp_pages(base, PAGES, 1);
    for (int round = 0; round < ROUNDS; round++) {
        for (int child = 0; child < CHILDREN; child++) {
            if (start() != 0)
                continue;
            int fd = open(SCRATCH_FILE, O_RDONLY);
            int ends[2];
            if (read(fd, base, PAGES * PGSIZE) != PAGES * PGSIZE)
                fail("a read from a file is short");
            check_scratch(base, 0, PAGES * PGSIZE, "from the file");
            if (pipe(ends) < 0 || write(ends[1], base + 99, PART) != PART ||
                read(ends[0], base + PGSIZE - 9, PART) != PART)
                fail("a pipe took or gave too little");
            check_scratch(base + PGSIZE - 9, 99, PART, "from the pipe");
            exit(0);
        }
        finish(CHILDREN);
        check_pages(base, PAGES, 1, "parent");
    }
}

/* Processes that share everything fork, write and exit at the same time. */
void test_forkfork(void)
{
    enum { PAGES = 16, WORKERS = 8, FORKS = 60 };
    char *base = take_pages(PAGES);

    stamp_pages(base, PAGES, 1);
    for (int worker = 0; worker < WORKERS; worker++) {
        if (start() != 0)
            continue;
        for (int i = 0; i < FORKS; i++) {
            long mine = (worker + i) % PAGES;
            if (start() == 0) {
                check_stamp(base, mine, 1, "a grandchild");
                stamp(base, mine, 2);
                check_stamp(base, mine, 2, "a grandchild, its own");
                exit(0);
            }
            check_stamp(base, mine, 1, "a worker");
            finish(1);
        }
        check_pages(base, PAGES, 1, "a worker");
        exit(0);
    }
    finish(WORKERS);
    check_pages(base, PAGES, 1, "parent");
}

static uint64 read_all(char *base, long pages)
{
    uint64 sum = 0;

    for (long i = 0; i < pages; i++)
        sum += *(volatile uint64 *)(base + i * PGSIZE);
    return sum;
}

/* Reading causes no copy, of a page or of a page-table node. */
void test_readonly_sharing(void)
{
    long pages = 16L << 8; /* 16 MB */
    char *base;

    if (pages > counter("free") / 2)
        pages = counter("free") / 2;
    base = take_pages(pages);
    stamp_pages(base, pages, 1);
    if (start() == 0) {
        long copied, nodes;
        settle();
        pause(2); /* the parent comes to rest */
        counter("free");
        copied = counter("pages_copied");
        nodes = counter("nodes_copied");
        read_all(base, pages);
        copied = counter("pages_copied") - copied;
        nodes = counter("nodes_copied") - nodes;
        if (copied != 0 || nodes != 0)
            fail("reading copied %ld pages, %ld nodes", copied, nodes);
        check_pages(base, pages, 1, "child");
        exit(0);
    }
    finish(1);
}

/* Every generation writes one page and lives on while the next one runs. */
void test_deep_chain(void)
{
    enum { DEPTH = 60 };
    char *base = take_pages(DEPTH);
    int depth, children = 0;

    stamp_pages(base, DEPTH, 1);
    for (depth = 0; depth < DEPTH; depth++) {
        if (start() != 0) {
            children = 1;
            break;
        }
        stamp(base, depth, 2);
    }
    finish(children);
    for (int i = 0; i < DEPTH; i++)
        check_stamp(base, i, i < depth ? 2 : 1, "an ancestor");
    if (depth > 0)
        exit(0);
}

/* exec's arguments come from memory that another process shares. */
void test_exec_arguments(void)
{
    enum { PAGES = 64 };
    char *base = take_pages(PAGES);
    char **argv = (char **)(base + 3 * PGSIZE - 8); /* crosses a page */

    argv[0] = (char *)self;
    argv[1] = ARGUMENT_MODE;
    for (uint i = 2; i < TEST_ARGUMENTS; i++) {
        argv[i] = base + (4 + i) * PGSIZE - 5;
        strcpy(argv[i], test_argument(i));
    }
    argv[TEST_ARGUMENTS] = 0;
    for (int round = 0; round < 4; round++) {
        if (start() == 0) {
            exec(self, argv);
            fail("cannot run %s", self);
        }
        if (round & 1)
            stamp_pages(base + 40 * PGSIZE, 20, 1);
        finish(1);
    }
    if (start() == 0) {
        char *big[32];
        /* 31 arguments of 220 bytes do not fit; the caller goes on. */
        memset(base, 'x', 220);
        base[220] = '\0';
        for (int i = 0; i < 31; i++)
            big[i] = base;
        big[31] = 0;
        if (exec(self, big) != -1)
            fail("too many bytes of arguments got through");
        exit(0);
    }
    finish(1);
}
