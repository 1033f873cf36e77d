/*
 * What a process owns after forks: pages and page-table nodes that several
 * processes share, in every order of writing, leaving and forking again.
 */
#include "cowtest.h"

extern const char _start[], etext[]; /* the program's text, from 0 on */

/* Far enough into the program not to be on its first page. */
static const char constants[2 * PGSIZE] = {1, 2, 3};

static uint64 checksum_text(void)
{
    uint64 sum = 0;

    for (uint64 at = (uint64)_start; at < (uint64)etext; at += sizeof(uint64))
        sum = sum * 31 + *(const volatile uint64 *)at;
    return sum;
}

static void check_text_is_readonly(const char *who)
{
    static const char *const bytes[] = {_start,
                                        constants + sizeof(constants) - 1};
    int ends[2];

    if (pipe(ends) < 0 || write(ends[1], "12345678", 8) != 8)
        fail("a pipe failed");
    for (uint i = 0; i < 2; i++) {
        if (!dies(store_byte, (uint64)bytes[i]))
            fail("%s wrote to read-only memory at %p", who, bytes[i]);
        if (read(ends[0], (char *)bytes[i], 1) != -1)
            fail("read() wrote to read-only memory at %p", bytes[i]);
    }
    close(ends[0]);
    close(ends[1]);
}

void test_text_stays_readonly(void)
{
    uint64 before = checksum_text();

    check_text_is_readonly("a child");
    if (start() == 0) {
        check_text_is_readonly("a grandchild");
        exit(0);
    }
    finish(1);
    check_text_is_readonly("a child, after a fork has ended,");
    if (checksum_text() != before)
        fail("the program's text has changed");
}

/* Were they not counted, the first exit would free what others still use. */
void test_readonly_counted(void)
{
    uint64 before = checksum_text();

    for (int round = 0; round < 30; round++) {
        if (start() == 0) {
            if (start() == 0)
                exit(0);
            finish(1);
            exit(0);
        }
        finish(1);
    }
    /* What was freed by mistake would be used again here. */
    stamp_pages(take_pages(256), 256, 1);
    if (checksum_text() != before)
        fail("the program's text has changed");
}

void test_fork_of_fork(void)
{
    enum { DEPTH = 8, PAGES = 3 * DEPTH };
    char *base = take_pages(PAGES);
    int depth, children = 0;

    stamp_pages(base, PAGES, 1);
    for (depth = 0; depth < DEPTH && children == 0; depth++) {
        /* A first child that writes, and a second that goes on. */
        if (start() == 0) {
            stamp_pages(base, PAGES, 7);
            exit(0);
        }
        if (start() == 0) {
            stamp(base, 3 * depth, 2);
            stamp(base, 3 * depth + 1, 2);
            continue;
        }
        children = 2;
        stamp(base, 3 * depth + 2, 3);
        finish(children);
        break;
    }
    for (int i = 0; i < PAGES; i++) {
        uint64 tag = i / 3 < depth && i % 3 != 2 ? 2 : 1;
        if (children != 0 && i == 3 * depth + 2)
            tag = 3;
        check_stamp(base, i, tag, "a generation");
    }
    if (depth > 0)
        exit(0);
}

/* More sharers of a page than a byte can count. */
void test_many_sharers(void)
{
    enum { PAGES = 4, WANTED = 300, NEEDED = 257 };
    char *base = take_pages(PAGES);
    struct signal gate;
    int children = 0;
    char c;

    stamp_pages(base, PAGES, 1);
    signal_make(&gate);
    while (children < WANTED) {
        int pid = fork();
        if (pid < 0)
            break;
        if (pid == 0) {
            close(gate.ends[1]);
            read(gate.ends[0], &c, 1);
            stamp(base, children % PAGES, 2);
            for (int i = 0; i < PAGES; i++)
                check_stamp(base, i, i == children % PAGES ? 2 : 1, "a sharer");
            exit(0);
        }
        children++;
    }
    signal_drop(&gate);
    finish(children);
    check_pages(base, PAGES, 1, "parent");
    if (children < NEEDED)
        fail("only %d processes could share, %d are needed", children, NEEDED);
}

/*
 * The parent has just written to each page, so its hart knows them writable,
 * and writes again as soon as fork is back.
 */
void test_parent_writes_first(void)
{
    enum { PAGES = 16, ROUNDS = 50 };
    char *base = take_pages(PAGES);
    struct signal written;

    for (uint64 round = 1; round <= ROUNDS; round++) {
        signal_make(&written);
        stamp_pages(base, PAGES, round);
        if (start() == 0) {
            signal_i_wait(&written);
            signal_wait(&written);
            check_pages(base, PAGES, round, "child");
            exit(0);
        }
        stamp_pages(base, PAGES, round + 1000);
        signal_i_send(&written);
        signal_send(&written);
        finish(1);
        check_pages(base, PAGES, round + 1000, "parent");
        signal_drop(&written);
    }
}

/*
 * One side copies a node for one page; the other, then its last sharer, must
 * not write through what was writable before the fork.
 */
static void claim_beside_copy(char *base, long pages, long chosen, int swap)
{
    struct signal to_child, to_parent;
    int is_child, copies;

    stamp_pages(base, pages, 1);
    signal_make(&to_child);
    signal_make(&to_parent);
    is_child = start() == 0;
    signal_i_send(is_child ? &to_parent : &to_child);
    signal_i_wait(is_child ? &to_child : &to_parent);
    copies = is_child != swap;
    if (copies) {
        stamp(base, chosen, 2);
        signal_send(is_child ? &to_parent : &to_child);
        signal_wait(is_child ? &to_child : &to_parent);
        for (long i = 0; i < pages; i++)
            check_stamp(base, i, i == chosen ? 2 : 1, "who copied");
    } else {
        signal_wait(is_child ? &to_child : &to_parent);
        check_pages(base, pages, 1, "who claims, before");
        stamp_pages(base, pages, 3);
        check_pages(base, pages, 3, "who claims, after");
        signal_send(is_child ? &to_parent : &to_child);
    }
    if (is_child)
        exit(0);
    finish(1);
    if (!copies)
        check_pages(base, pages, 3, "who claims, alone");
    signal_drop(&to_child);
    signal_drop(&to_parent);
}

void test_survivor_claims(void)
{
    enum { PAGES = 1200 }; /* more than two nodes */
    static const long chosen[] = {0, 511, 600, PAGES - 1};
    char *base = take_pages(PAGES);

    for (uint i = 0; i < sizeof(chosen) / sizeof(chosen[0]); i++) {
        claim_beside_copy(base, PAGES, chosen[i], 0);
        claim_beside_copy(base, PAGES, chosen[i], 1);
    }
}

enum first_touch { TOUCH_STORE, TOUCH_GROW, TOUCH_PIPE, TOUCH_FILE, TOUCHES };

enum { LAZY_PAGES = 700, LAZY_CHOSEN = 300 };

static void touch_grow(void)
{
    char *grown = take_pages(16);

    for (long i = 0; i < 16L * PGSIZE; i++) {
        if (grown[i] != 0)
            fail("new memory is not zero at byte %ld", i);
    }
    stamp_pages(grown, 16, 9);
}

static void touch_by_kernel(char *page, enum first_touch how)
{
    int ends[2];
    int fd;

    if (how == TOUCH_FILE) {
        fd = scratch_open(PGSIZE);
        if (read(fd, page, PGSIZE) != PGSIZE || page[99] != scratch_byte(99))
            fail("a read from a file went wrong");
        close(fd);
        return;
    }
    if (pipe(ends) < 0 || write(ends[1], "12345678", 8) != 8 ||
        read(ends[0], page, 8) != 8 || page[7] != '8')
        fail("a read from a pipe went wrong");
    close(ends[0]);
    close(ends[1]);
}

/* The first touch of shared memory, then a look at all of it. */
static void touch(char *base, enum first_touch how, uint64 tag)
{
    if (how == TOUCH_GROW)
        touch_grow();
    else if (how != TOUCH_STORE)
        touch_by_kernel(base + LAZY_CHOSEN * PGSIZE, how);
    stamp(base, LAZY_CHOSEN, tag);
    for (long i = 0; i < LAZY_PAGES; i++)
        check_stamp(base, i, i == LAZY_CHOSEN ? tag : 1, "after a touch");
}

/*
 * Child and parent touch, in either order. The second may look before, to see
 * that the first touch left its memory alone, or have its own be the first.
 */
static void touch_in_order(char *base, enum first_touch how, int child_first,
                           int look)
{
    struct signal go, done;

    stamp_pages(base, LAZY_PAGES, 1);
    signal_make(&go);
    signal_make(&done);
    if (start() == 0) {
        signal_i_wait(&go);
        signal_i_send(&done);
        if (!child_first) {
            signal_wait(&go);
            check_pages(base, look ? LAZY_PAGES : 0, 1, "child, before");
        }
        touch(base, how, 2);
        signal_send(&done);
        signal_wait(&go);
        check_stamp(base, LAZY_CHOSEN, 2, "child, at the end");
        exit(0);
    }
    signal_i_send(&go);
    signal_i_wait(&done);
    if (child_first) {
        signal_wait(&done);
        check_pages(base, look ? LAZY_PAGES : 0, 1, "parent, before");
    }
    touch(base, how, 3);
    signal_send(&go);
    if (!child_first) {
        signal_wait(&done);
        signal_send(&go);
    }
    finish(1);
    check_stamp(base, LAZY_CHOSEN, 3, "parent, at the end");
    if (how == TOUCH_GROW)
        give_pages(16);
    signal_drop(&go);
    signal_drop(&done);
}

void test_lazy_is_not_empty(void)
{
    char *base = take_pages(LAZY_PAGES);

    for (int how = 0; how < TOUCHES; how++) {
        for (int order = 0; order < 4; order++)
            touch_in_order(base, (enum first_touch)how, order & 1, order & 2);
    }
}

enum { RANDOM_PAGES = 96, RANDOM_STEPS = 40, RANDOM_DEPTH = 3 };

/* What each page has to hold, beside the memory itself. */
static uchar model[RANDOM_PAGES];

static uint random_next(uint *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static void check_model(char *base, long pages)
{
    for (long i = 0; i < pages; i++)
        check_stamp(base, i, model[i], "a random process");
}

/* Grows or shrinks the region at the heap's end; returns its new size. */
static long move_end(char *base, long pages, uint number)
{
    long wanted = 1 + (long)(number % RANDOM_PAGES);

    if (wanted < pages) {
        give_pages(pages - wanted);
    } else if (wanted > pages) {
        take_pages(wanted - pages);
        for (long i = pages; i < wanted; i++) {
            if (*(volatile uint64 *)(base + i * PGSIZE) != 0)
                fail("page %ld came back without being zero", i);
            model[i] = 5;
            stamp(base, i, 5);
        }
    }
    return wanted;
}

/*
 * Random writes, forks and moves of the heap's end, against the model. A child
 * goes on with the same loop, one level deeper, and ends at its end.
 */
static void random_walk(uint seed, char *base)
{
    long pages = RANDOM_PAGES;
    int depth = 0, children = 0;

    for (int step = 0; step < RANDOM_STEPS; step++) {
        uint number = random_next(&seed);
        long page = (long)(number / 16 % (uint)pages);
        if (number % 16 == 0) {
            pages = move_end(base, pages, number / 16);
        } else if (number % 16 < 4 && depth < RANDOM_DEPTH) {
            if (start() == 0) {
                depth++;
                children = 0;
                seed ^= 0x5a5a5a5a;
            } else {
                children++;
            }
        } else if (number % 16 == 4) {
            finish(children);
            children = 0;
            check_model(base, pages);
        } else {
            model[page] = (uchar)(number >> 14);
            stamp(base, page, model[page]);
        }
    }
    check_model(base, pages);
    finish(children);
    check_model(base, pages);
    exit(0);
}

void test_random_operations(void)
{
    char *base = take_pages(RANDOM_PAGES);

    memset(model, 1, sizeof(model));
    stamp_pages(base, RANDOM_PAGES, 1);
    for (uint seed = 1; seed <= 6; seed++) {
        if (start() == 0)
            random_walk(seed * 2654435761U, base);
        finish(1);
    }
    check_model(base, RANDOM_PAGES);
}
