/*
 * Pipes: 512 bytes, at every size of reads and writes, closed at either end,
 * full, empty, and with readers and writers that die.
 */
#include "usertests.h"

#define PIPE_BYTES 512

static int ends[2];

static void new_pipe(void)
{
    if (pipe(ends) < 0)
        fail("pipe failed");
}

static void drop_pipe(void)
{
    close(ends[0]);
    close(ends[1]);
}

static void test_capacity(void)
{
    int pid;

    new_pipe();
    expect(write(ends[1], work, PIPE_BYTES) == PIPE_BYTES);
    pid = start();
    if (pid == 0) {
        write(ends[1], "x", 1); /* no room: it sleeps here */
        exit(0);
    }
    pause(2);
    expect(kill(pid) == 0 && wait_one() == -1);
    expect(read(ends[0], work, 2 * PIPE_BYTES) == PIPE_BYTES);
    /* One that sleeps for room gets it from a reader. */
    expect(write(ends[1], work, PIPE_BYTES) == PIPE_BYTES);
    if (start() == 0) {
        expect(write(ends[1], "yz", 2) == 2);
        exit(0);
    }
    pause(1);
    expect(read(ends[0], work, PIPE_BYTES) == PIPE_BYTES);
    finish(1);
    expect(read(ends[0], work, 9) == 2 && work[1] == 'z');
    drop_pipe();
}

static void send_pattern(int total, int piece)
{
    static char out[4096];

    for (int at = 0; at < total; at += piece) {
        int n = total - at < piece ? total - at : piece;
        for (int i = 0; i < n; i++)
            out[i] = pattern_byte((uint)(at + i));
        if (write(ends[1], out, n) != n)
            fail("a write of %d bytes was short", n);
    }
}

static void receive_pattern(int total, int piece)
{
    static char in[4096];
    int at = 0, n;

    while ((n = read(ends[0], in, piece)) > 0) {
        if (n > piece)
            fail("read %d bytes, asked for %d", n, piece);
        for (int i = 0; i < n; i++, at++) {
            if (in[i] != pattern_byte((uint)at))
                fail("byte %d of pieces of %d is wrong", at, piece);
        }
    }
    if (n < 0 || at != total)
        fail("%d bytes came of %d", at, total);
}

static void test_sizes(void)
{
    static const int sizes[] = {1,   2,   3,   7,    64,   255,  256,
                                511, 512, 513, 1000, 1024, 1033, 4096};

    for (uint w = 0; w < sizeof(sizes) / sizeof(sizes[0]); w++) {
        for (uint r = w % 3; r < sizeof(sizes) / sizeof(sizes[0]); r += 3) {
            int total = sizes[w] < 60 || sizes[r] < 60 ? 1033 : 5165;
            new_pipe();
            if (start() == 0) {
                close(ends[0]);
                send_pattern(total, sizes[w]);
                exit(0);
            }
            close(ends[1]);
            receive_pattern(total, sizes[r]);
            close(ends[0]);
            finish(1);
        }
    }
}

static void test_no_reader(void)
{
    new_pipe();
    close(ends[0]);
    expect(write(ends[1], "x", 1) == -1 && write(ends[1], work, 600) == -1);
    close(ends[1]);
    /* The reader goes while a writer sleeps. */
    new_pipe();
    if (start() == 0) {
        close(ends[0]);
        expect(write(ends[1], work, 5000) == -1);
        exit(0);
    }
    close(ends[1]);
    pause(1);
    expect(read(ends[0], work, 10) == 10);
    close(ends[0]);
    finish(1);
}

static void test_no_writer(void)
{
    new_pipe();
    expect(write(ends[1], "last", 4) == 4);
    close(ends[1]);
    expect(read(ends[0], work, 100) == 4 && read(ends[0], work, 100) == 0);
    expect(read(ends[0], work, 100) == 0);
    close(ends[0]);
    /* The writer goes while a reader sleeps. */
    new_pipe();
    if (start() == 0) {
        close(ends[0]);
        pause(1);
        exit(0);
    }
    close(ends[1]);
    expect(read(ends[0], work, 10) == 0);
    close(ends[0]);
    finish(1);
}

static void test_wrong_end(void)
{
    struct stat st;

    new_pipe();
    expect(read(ends[1], work, 1) == -1 && write(ends[0], work, 1) == -1);
    expect(fstat(ends[0], &st) == -1);
    drop_pipe();
}

/* Several writers: what one call writes stays together if it fits the pipe. */
static void test_many_writers(void)
{
    enum { WRITERS = 5, LINES = 60, LINE = 100 };
    int counts[WRITERS] = {0};
    int from = 0, n;

    new_pipe();
    for (int i = 0; i < WRITERS; i++) {
        if (start() == 0) {
            memset(work, 'a' + i, LINE);
            for (int k = 0; k < LINES; k++)
                expect(write(ends[1], work, LINE) == LINE);
            exit(0);
        }
    }
    close(ends[1]);
    while ((n = read(ends[0], work + from, LINE - from)) > 0) {
        from += n;
        if (from < LINE)
            continue;
        for (int i = 1; i < LINE; i++)
            expect(work[i] == work[0]);
        counts[work[0] - 'a']++;
        from = 0;
    }
    expect(n == 0 && from == 0);
    for (int i = 0; i < WRITERS; i++)
        expect(counts[i] == LINES);
    close(ends[0]);
    finish(WRITERS);
}

static void test_many_readers(void)
{
    enum { READERS = 4, TOTAL = 20000 };
    int results[2], total = 0, part;

    new_pipe();
    expect(pipe(results) == 0);
    for (int i = 0; i < READERS; i++) {
        if (start() == 0) {
            int n;
            close(ends[1]);
            for (part = 0; (n = read(ends[0], work, 77 + i)) > 0; part += n)
                ;
            expect(n == 0);
            write(results[1], &part, sizeof(part));
            exit(0);
        }
    }
    close(ends[0]);
    send_pattern(TOTAL, 333);
    close(ends[1]);
    for (int i = 0; i < READERS; i++) {
        expect(read(results[0], &part, sizeof(part)) == sizeof(part));
        total += part;
    }
    expect(total == TOTAL);
    finish(READERS);
}

/* A process that dies at a pipe leaves it as if it had closed its end. */
static void test_killed_at_a_pipe(void)
{
    for (int writer = 0; writer < 2; writer++) {
        int pid;
        new_pipe();
        pid = start();
        if (pid == 0) {
            close(ends[!writer]);
            while (writer ? write(ends[1], work, 700) > 0
                          : read(ends[0], work, 1) >= 0)
                ;
            exit(7);
        }
        close(ends[writer]);
        if (writer)
            expect(read(ends[0], work, 100) == 100);
        pause(1);
        expect(kill(pid) == 0 && wait_one() == -1);
        if (writer) {
            while (read(ends[0], work, 100) > 0)
                ;
            expect(read(ends[0], work, 1) == 0);
        } else {
            expect(write(ends[1], "x", 1) == -1);
        }
        close(ends[!writer]);
    }
}

static void test_descriptors_run_out(void)
{
    int first = lowest_free(), last = first, both[2] = {-7, -7};

    while (dup(0) >= 0)
        last++;
    expect(last - first >= NOFILE - 3 && pipe(both) == -1);
    close(first);
    expect(pipe(both) == -1 && lowest_free() == first);
    close(first + 1);
    expect(pipe(both) == 0);
    expect(both[0] == first && both[1] == first + 1);
}

const struct test pipe_tests[] = {
    {"pipe-capacity", test_capacity, 0},
    {"pipe-sizes", test_sizes, 0},
    {"pipe-no-reader", test_no_reader, 0},
    {"pipe-no-writer", test_no_writer, 0},
    {"pipe-wrong-end", test_wrong_end, 0},
    {"pipe-many-writers", test_many_writers, 0},
    {"pipe-many-readers", test_many_readers, 0},
    {"pipe-killed", test_killed_at_a_pipe, 0},
    {"pipe-without-descriptors", test_descriptors_run_out, 0},
    {0, 0, 0},
};
