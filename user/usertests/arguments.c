/*
 * What a call does with its arguments: numbers, registers, and addresses at
 * every edge of the address space, which are refused with nothing changed.
 */
#include "usertests.h"

#define MAX_EDGES 80

/* Addresses no program may use; the last few depend on where the heap ends. */
static uint64 edges[MAX_EDGES];
static uint edge_count;

static void add_edge(uint64 address)
{
    if (edge_count < MAX_EDGES)
        edges[edge_count++] = address;
}

static void find_edges(void)
{
    uint64 stack = PGROUNDDOWN(r_sp());
    uint64 heap_end = (uint64)page_heap();

    edge_count = 0;
    for (int bit = 38; bit < 64; bit++)
        add_edge(1UL << bit);
    add_edge(TRAPFRAME);
    add_edge(TRAMPOLINE);
    add_edge(MAXVA - 1);
    add_edge(MAXVA + PGSIZE);
    for (uint64 at = KERNBASE; at < (uint64)PHYSTOP; at += 37UL << 20)
        add_edge(at);
    add_edge(PHYSTOP - 8);
    add_edge(0xffffffc000000000);
    add_edge(0xffffffff80000000);
    add_edge(0x7fffffffffffffff);
    add_edge(-4096UL);
    add_edge(-8UL);
    add_edge(-1UL);
    add_edge(heap_end);
    add_edge(heap_end + PGSIZE - 1);
    add_edge(stack - PGSIZE);
    add_edge(stack - 1);
}

static void test_read_to_bad_address(void)
{
    int file, folder, ends[2];
    char byte = 0;

    find_edges();
    make_file("f", 100);
    file = open("f", O_RDONLY);
    folder = open(".", O_RDONLY);
    expect(pipe(ends) == 0 && write(ends[1], "p", 1) == 1);
    for (uint i = 0; i < edge_count; i++) {
        char *bad = (char *)edges[i];
        if (read(file, bad, 1) != -1 || read(file, bad, PGSIZE) != -1)
            fail("read from a file to %p was not refused", bad);
        if (read(ends[0], bad, 1) != -1)
            fail("read from a pipe to %p was not refused", bad);
        if (read(folder, bad, 16) != -1)
            fail("read from a folder to %p was not refused", bad);
    }
    /* None of that has used anything up. */
    expect(read(file, &byte, 1) == 1 && byte == pattern_byte(0));
    expect(read(ends[0], &byte, 1) == 1 && byte == 'p');
    expect(read(folder, work, 16) == 16 && work[2] == '.' && work[3] == 0);
    remove_file("f");
}

static void test_write_from_bad_address(void)
{
    int file = open("f", O_CREATE | O_RDWR), ends[2];
    struct stat st;
    char byte = 0;

    find_edges();
    expect(file >= 0 && pipe(ends) == 0 && write(ends[1], "p", 1) == 1);
    for (uint i = 0; i < edge_count; i++) {
        char *bad = (char *)edges[i];
        if (write(file, bad, 1) != -1 || write(file, bad, 9000) != -1)
            fail("write to a file from %p was not refused", bad);
        if (write(ends[1], bad, 1) != -1 || write(ends[1], bad, 600) != -1)
            fail("write to a pipe from %p was not refused", bad);
        if (write(1, bad, 1) != -1)
            fail("write to the console from %p was not refused", bad);
    }
    expect(fstat(file, &st) == 0 && st.size == 0);
    close(ends[1]);
    expect(read(ends[0], &byte, 1) == 1 && byte == 'p');
    expect(read(ends[0], &byte, 1) == 0);
    remove_file("f");
}

static void test_results_to_bad_address(void)
{
    int first = lowest_free();
    int status = 0;

    find_edges();
    if (start() == 0)
        exit(42);
    for (uint i = 0; i < edge_count; i++) {
        void *bad = (void *)edges[i];
        if (fstat(0, bad) != -1 || pipe(bad) != -1 || wait(bad) != -1)
            fail("fstat, pipe or wait to %p was not refused", bad);
        if (lowest_free() != first)
            fail("pipe to %p took descriptors", bad);
    }
    expect(wait(&status) > 0 && status == 42);
}

static void test_path_at_bad_address(void)
{
    static char *arguments[] = {"x", 0};

    find_edges();
    touch("f");
    for (uint i = 0; i < edge_count; i++) {
        char *bad = (char *)edges[i];
        if (open(bad, O_RDONLY) != -1 || open(bad, O_CREATE | O_RDWR) != -1 ||
            mkdir(bad) != -1 || mknod(bad, 1, 1) != -1 || unlink(bad) != -1)
            fail("open, mkdir, mknod or unlink of %p was not refused", bad);
        if (chdir(bad) != -1 || link(bad, "g") != -1 || link("f", bad) != -1)
            fail("chdir or link of %p was not refused", bad);
        if (exec(bad, arguments) != -1)
            fail("exec of %p was not refused", bad);
    }
    remove_file("f");
}

static void test_exec_bad_arguments(void)
{
    char *arguments[3] = {"x", 0, 0};

    find_edges();
    for (uint i = 0; i < edge_count; i++) {
        char *bad = (char *)edges[i];
        arguments[1] = bad;
        if (exec(self, (char **)bad) != -1 || exec(self, arguments) != -1)
            fail("exec with arguments at %p was not refused", bad);
    }
    /* The array of pointers runs out of the heap before it ends. */
    char **last = (char **)page_heap() - 1;
    *last = "x";
    expect(exec(self, last) == -1);
    *last = 0;
    if (start() == 0) {
        exec(self, last); /* no arguments at all */
        exit(9);
    }
    expect(wait_one() == STATUS_NO_WORDS);
}

/* Every result into this program's code: refused, as it cannot be written. */
static void test_results_to_text(void)
{
    void *text = (void *)find_edges;
    int file, ends[2], status = 0;

    make_file("f", 100);
    file = open("f", O_RDONLY);
    expect(pipe(ends) == 0 && write(ends[1], "p", 1) == 1);
    if (start() == 0)
        exit(7);
    for (int i = 0; i < 2; i++, text = 0) {
        expect(read(file, text, 1) == -1 && read(ends[0], text, 1) == -1);
        expect(fstat(file, text) == -1 && pipe(text) == -1);
        if (text != 0) /* wait(0) is another thing */
            expect(wait(text) == -1);
    }
    expect(wait(&status) > 0 && status == 7);
    expect(write(ends[1], (void *)find_edges, 100) == 100);
    remove_file("f");
}

/* What begins in valid memory and leaves it: a part of it, or a refusal. */
static void test_buffer_leaves_heap(void)
{
    char *end = page_heap();
    int file, ends[2];

    make_file("f", 3 * PGSIZE);
    file = open("f", O_RDWR);
    expect(sbrk(PGSIZE) == end);
    end += PGSIZE;
    for (int inside = 1; inside < PGSIZE; inside = inside * 3 + 1) {
        int n = read(file, end - inside, inside + 1);
        if (n < -1 || n > inside)
            fail("read %d bytes where %d fit", n, inside);
        expect(pipe(ends) == 0);
        n = write(ends[1], end - inside, inside < 512 ? inside + 1 : 512);
        if (n < -1 || n > inside)
            fail("wrote %d bytes where there are %d", n, inside);
        close(ends[0]);
        close(ends[1]);
    }
    expect(write(file, end - 10, 0x7fffffff) <= 10);
    expect(read(file, end - 10, 0x7fffffff) <= 10);
    remove_file("f");
}

static void test_string_at_the_edge(void)
{
    char *end = page_heap();

    expect(sbrk(2 * PGSIZE) == end);
    touch("crossing");
    for (int before = 0; before <= 8; before++) {
        strcpy(end + PGSIZE - before, "crossing");
        expect(exists(end + PGSIZE - before));
    }
    end += 2 * PGSIZE;
    strcpy(end - 9, "crossing");
    expect(exists(end - 9)); /* its zero is the heap's last byte */
    end[-1] = 'X';
    expect(!exists(end - 9) && open(end - 9, O_CREATE | O_RDWR) == -1);
    expect(mkdir(end - 9) == -1 && unlink(end - 9) == -1);
    expect(chdir(end - 9) == -1 && link("crossing", end - 9) == -1);
    expect(exec(end - 9, (char *[]){"x", 0}) == -1);
    expect(exec(self, (char *[]){"x", end - 9, 0}) == -1);
    /* A page that is there only when touched ends a string: it is zero. */
    memmove(end - 8, "crossing", 8);
    expect(sbrklazy(PGSIZE) == end);
    expect(exists(end - 8));
    remove_file("crossing");
}

static void test_lengths(void)
{
    int file, ends[2];
    struct stat st;

    make_file("f", 10);
    file = open("f", O_RDWR);
    expect(pipe(ends) == 0);
    expect(read(file, work, -1) == -1 && write(file, work, -1) == -1);
    expect(read(file, work, (int)(1U << 31)) == -1);
    expect(write(ends[1], work, -1) == -1 && write(1, work, -5) == -1);
    expect(read(file, work, 0) == 0 && write(file, work, 0) == 0);
    expect(write(ends[1], work, 0) == 0 && read(ends[0], work, 0) == 0);
    expect(fstat(file, &st) == 0 && st.size == 10);
    remove_file("f");
}

static void test_int_arguments(void)
{
    const long high = 0x7654321000000000;
    int fd = open(".", O_RDONLY);
    int status;

    expect(raw_call(SYS_fstat, high | fd, (long)work, 0) == 0);
    expect(raw_call(SYS_read, high | fd, (long)work, high | 16) == 16);
    expect(raw_call(SYS_dup, ~0xffffffffL | fd, 0, 0) == fd + 1);
    expect(raw_call(SYS_close, high | (fd + 1), 0, 0) == 0);
    expect(raw_call(SYS_sbrk, high, 1, 0) == (long)sbrk(0));
    expect(raw_call(SYS_pause, high, 0, 0) == 0);
    expect(raw_call(high | SYS_getpid, 0, 0, 0) == getpid());
    if (start() == 0)
        raw_call(SYS_exit, high | 5, 0, 0);
    expect(wait(&status) > 0 && status == 5);
}

/* Errors are -1 in all of the register, and nothing else is. */
static void test_errors(void)
{
    static const int descriptors[] = {-1,  3000,    127,     128,
                                      129, 1 << 20, 1 << 30, (int)(1U << 31)};

    for (uint i = 0; i < sizeof(descriptors) / sizeof(descriptors[0]); i++) {
        long bad = descriptors[i];
        expect(raw_call(SYS_read, bad, (long)work, 1) == -1);
        expect(raw_call(SYS_write, bad, (long)work, 1) == -1);
        expect(raw_call(SYS_close, bad, 0, 0) == -1);
        expect(raw_call(SYS_dup, bad, 0, 0) == -1);
        expect(raw_call(SYS_fstat, bad, (long)work, 0) == -1);
    }
    expect(raw_call(SYS_wait, 0, 0, 0) == -1);
    expect(raw_call(SYS_open, (long)"no such file", 0, 0) == -1);
    expect(raw_call(SYS_kill, -1, 0, 0) == -1);
    expect(raw_call(SYS_sbrk, 0x7fffffff, 1, 0) == -1);
}

static void test_unknown_calls(void)
{
    static const long numbers[] = {0, 22, 63, 1000, -1, 1L << 40};

    for (uint i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        expect(raw_call(numbers[i], 1, 2, 3) == -1);
}

/* The numbers as they are written down, not as a header has them. */
static void test_call_numbers(void)
{
    int ends[2], status = 0, pid, fd;
    struct stat st;

    expect(raw_call(4, (long)ends, 0, 0) == 0);
    expect(raw_call(16, ends[1], (long)"abc", 3) == 3);
    expect(raw_call(5, ends[0], (long)work, 9) == 3 && work[2] == 'c');
    expect((fd = raw_call(10, ends[0], 0, 0)) == ends[1] + 1);
    expect(raw_call(21, fd, 0, 0) == 0);
    expect((pid = raw_call(1, 0, 0, 0)) >= 0);
    if (pid == 0)
        raw_call(2, raw_call(11, 0, 0, 0), 0, 0);
    expect(raw_call(3, (long)&status, 0, 0) == pid && status == pid);
    if ((pid = start()) == 0)
        raw_call(13, 10000, 0, 0);
    expect(raw_call(6, pid, 0, 0) == 0 && wait_one() == -1);
    expect(raw_call(12, 0, 1, 0) == (long)sbrk(0));
    expect(raw_call(14, 0, 0, 0) - uptime() <= 0);
    expect(raw_call(20, (long)"d", 0, 0) == 0);
    expect(raw_call(9, (long)"d", 0, 0) == 0);
    expect((fd = raw_call(15, (long)"f", O_CREATE | O_RDWR, 0)) >= 0);
    expect(raw_call(8, fd, (long)&st, 0) == 0 && st.type == T_FILE);
    expect(raw_call(19, (long)"f", (long)"g", 0) == 0);
    expect(raw_call(18, (long)"f", 0, 0) == 0 && exists("g"));
    expect(raw_call(17, (long)"dev", 1, 0) == 0);
    remove_file("g");
    remove_file("dev");
    expect(chdir("..") == 0);
    remove_file("d");
    if (start() == 0) {
        raw_call(7, (long)self, (long)(char *[]){"x", "@status", "23", 0}, 0);
        exit(9);
    }
    expect(wait_one() == 23);
}

/*
 * Makes a call with a value of its own in each register, and stores all of
 * them afterwards: the n-th of area[0..31] is xn. The area serves as stack.
 */
void call_with_all_registers(long number, uint64 *area);
__asm__(".text\n"
        ".macro each_register what\n"
        "    .irp n, 1,3,4,5,6,7,8,9,10,11,12,13,14,15,16\n"
        "    \\what \\n\n"
        "    .endr\n"
        "    .irp n, 18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "    \\what \\n\n"
        "    .endr\n"
        ".endm\n"
        ".macro put_own n\n"
        "    sd x\\n, 256+8*\\n(x2)\n"
        ".endm\n"
        ".macro fill n\n"
        "    li x\\n, 0x5a5a00ffff00a500+\\n\n"
        ".endm\n"
        ".macro store n\n"
        "    sd x\\n, 8*\\n(x2)\n"
        ".endm\n"
        ".macro get_own n\n"
        "    ld x\\n, 256+8*\\n(x2)\n"
        ".endm\n"
        "call_with_all_registers:\n"
        "    sd x2, 256+16(a1)\n"
        "    mv x2, a1\n"
        "    each_register put_own\n"
        "    mv x17, a0\n"
        "    sd a0, 256+8*17(x2)\n"
        "    each_register fill\n"
        "    ecall\n"
        "    each_register store\n"
        "    store 17\n"
        "    sd x2, 16(x2)\n"
        "    each_register get_own\n"
        "    ld x2, 256+16(x2)\n"
        "    ret\n");

static void test_registers_kept(void)
{
    static const long calls[] = {SYS_getpid, SYS_uptime, SYS_close, SYS_fork,
                                 SYS_wait};
    static uint64 area[64];

    for (uint i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        call_with_all_registers(calls[i], area);
        if (calls[i] == SYS_fork && area[10] == 0)
            exit(0);
        for (uint n = 1; n < 32; n++) {
            uint64 had = 0x5a5a00ffff00a500 + n;
            if (n == 2)
                had = (uint64)area;
            if (n == 17)
                had = (uint64)calls[i];
            if (n != 10 && area[n] != had)
                fail("call %ld: x%u was %lx and is %lx", calls[i], n, had,
                     area[n]);
        }
    }
    expect(area[10] == -1UL); /* wait with a bad address */
    finish(1);
}

const struct test argument_tests[] = {
    {"call-numbers", test_call_numbers, 0},
    {"call-keeps-registers", test_registers_kept, 0},
    {"call-int-arguments", test_int_arguments, 0},
    {"call-errors", test_errors, 0},
    {"call-unknown", test_unknown_calls, NOISY},
    {"read-to-bad-address", test_read_to_bad_address, 0},
    {"write-from-bad-address", test_write_from_bad_address, 0},
    {"results-to-bad-address", test_results_to_bad_address, 0},
    {"results-to-text", test_results_to_text, 0},
    {"path-at-bad-address", test_path_at_bad_address, 0},
    {"exec-bad-arguments", test_exec_bad_arguments, 0},
    {"buffer-leaves-heap", test_buffer_leaves_heap, 0},
    {"string-at-the-edge", test_string_at_the_edge, 0},
    {"lengths", test_lengths, 0},
    {0, 0, 0},
};
