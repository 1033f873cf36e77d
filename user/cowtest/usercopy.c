/*
 * The kernel reads and writes user memory: into shared pages,
 * across pages, and at addresses it must refuse.
 */
#include "cowtest.h"
#include "kernel/memlayout.h"
#include "kernel/stat.h"

/* One page for each call that writes to memory; it writes over the mark. */
enum {
    PAGE_PIPE_READ,
    PAGE_FILE_READ,
    PAGE_DEVICE_READ,
    PAGE_FSTAT,
    PAGE_PIPE,
    PAGE_WAIT,
    PAGES_WRITTEN
};

static void let_kernel_write(char *base, int fd)
{
    struct stat *st = (struct stat *)(base + PAGE_FSTAT * PGSIZE);
    int *ends = (int *)(base + PAGE_PIPE * PGSIZE);
    int *status = (int *)(base + PAGE_WAIT * PGSIZE);
    char *from_pipe = base + PAGE_PIPE_READ * PGSIZE;
    char *from_file = base + PAGE_FILE_READ * PGSIZE;
    char *from_device = base + PAGE_DEVICE_READ * PGSIZE;
    int zero = open("/dev/zero", O_RDONLY);

    if (pipe(ends) < 0 || write(ends[1], "12345678", 8) != 8 ||
        read(ends[0], from_pipe, 8) != 8 || from_pipe[7] != '8')
        fail("pipe or read from it went wrong");
    if (read(fd, from_file, 100) != 100 || from_file[99] != scratch_byte(99))
        fail("read from a file went wrong");
    if (zero >= 0 && (read(zero, from_device, 8) != 8 || from_device[0] != 0))
        fail("read from /dev/zero went wrong");
    if (fstat(fd, st) < 0 || st->type != T_FILE || st->size != PGSIZE)
        fail("fstat went wrong");
    if (start() == 0)
        exit(77);
    if (wait(status) < 0 || *status != 77)
        fail("wait went wrong");
}

void test_kernel_writes(void)
{
    char *base = take_pages(PAGES_WRITTEN);
    int fd = scratch_open(PGSIZE);

    stamp_pages(base, PAGES_WRITTEN, 1);
    /* First the child, then the parent while a child still shares. */
    if (start() == 0) {
        let_kernel_write(base, fd);
        exit(0);
    }
    finish(1);
    check_pages(base, PAGES_WRITTEN, 1, "parent");

    fd = scratch_open(PGSIZE);
    struct signal written;
    signal_make(&written);
    if (start() == 0) {
        signal_i_wait(&written);
        signal_wait(&written);
        check_pages(base, PAGES_WRITTEN, 1, "child");
        exit(0);
    }
    /* Here no other child may end before the one let_kernel_write makes. */
    let_kernel_write(base, fd);
    signal_i_send(&written);
    signal_send(&written);
    finish(1);
}

static void read_across(char *to, int fd, uint bytes)
{
    if (read(fd, to, (int)bytes) != (int)bytes)
        fail("a read across pages is short");
    for (uint i = 0; i < bytes; i++) {
        if (to[i] != scratch_byte(i))
            fail("byte %u of a read across pages is wrong", i);
    }
}

void test_copy_crosses_pages(void)
{
    enum { PAGES = 6, BYTES = 3 * PGSIZE };
    static const uint offsets[] = {1, 100, PGSIZE - 1, PGSIZE + 2040};
    char *base = take_pages(PAGES);

    stamp_pages(base, PAGES, 1);
    for (uint i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        int fd = scratch_open(BYTES);
        if (start() == 0) {
            read_across(base + offsets[i], fd, BYTES);
            exit(0);
        }
        finish(1);
        check_pages(base, PAGES, 1, "parent");
        close(fd);
    }
    if (start() == 0) {
        int fd = scratch_open(BYTES);
        read_across(base + 100, fd, BYTES);
        close(fd);
        fd = open(SCRATCH_FILE, O_WRONLY | O_TRUNC);
        if (write(fd, base + 100, BYTES) != BYTES)
            fail("a write across pages is short");
        close(fd);
        fd = open(SCRATCH_FILE, O_RDONLY);
        read_across(base + 2 * PGSIZE + 77, fd, BYTES);
        exit(0);
    }
    finish(1);
    check_pages(base, PAGES, 1, "parent");
}

/* Every call that takes an address refuses this one. */
static void check_refused(uint64 address)
{
    char *bad = (char *)address;
    int ends[2];
    int fd = scratch_open(PGSIZE);

    if (pipe(ends) < 0 || write(ends[1], "12345678", 8) != 8)
        fail("a pipe failed");
    if (read(fd, bad, 8) != -1 || read(fd, bad, PGSIZE) != -1)
        fail("read from a file to %p was not refused", bad);
    if (read(ends[0], bad, 8) != -1)
        fail("read from a pipe to %p was not refused", bad);
    if (write(ends[1], bad, 8) != -1)
        fail("write to a pipe from %p was not refused", bad);
    close(fd);
    fd = open(SCRATCH_FILE, O_RDWR);
    if (write(fd, bad, 8) != -1)
        fail("write to a file from %p was not refused", bad);
    if (fstat(fd, (struct stat *)bad) != -1 || pipe((int *)bad) != -1)
        fail("fstat or pipe to %p was not refused", bad);
    if (open(bad, O_RDONLY) != -1 || exec(bad, (char **)bad) != -1 ||
        exec(self, (char **)bad) != -1)
        fail("open or exec with %p was not refused", bad);
    close(fd);
    close(ends[0]);
    close(ends[1]);
}

void test_guard_page(void)
{
    char *stack = (char *)PGROUNDDOWN(r_sp());
    char *guard = stack - PGSIZE;
    int fd = scratch_open(PGSIZE);
    int n;

    check_refused((uint64)guard);
    check_refused((uint64)guard + PGSIZE - 8);
    if (!dies(load_byte, (uint64)guard) || !dies(store_byte, (uint64)stack - 1))
        fail("the guard page can be used");
    /* What begins below the guard page may end there, and not go on. */
    n = read(fd, guard - 8, 16);
    if (n > 8)
        fail("a read went into the guard page: %d bytes", n);
    fd = open(SCRATCH_FILE, O_RDWR);
    n = write(fd, guard - 8, 16);
    if (n > 8)
        fail("a write took from the guard page: %d bytes", n);
}

static void check_edge(uint64 address)
{
    check_refused(address);
    if (!dies(load_byte, address))
        fail("a load at %p got through", (char *)address);
    if (!dies(store_byte, address))
        fail("a store at %p got through", (char *)address);
}

void test_address_edges(void)
{
    static const uint64 edges[] = {
        TRAPFRAME, TRAMPOLINE,  MAXVA - 8,          MAXVA + PGSIZE,
        KERNBASE,  PHYSTOP - 8, 0x7ffffffffffffff8, 0xffffffc000000000,
        -4096UL,   -8UL,
    };
    char *valid = take_pages(1);
    int fd = scratch_open(PGSIZE);
    int n;

    for (uint i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
        check_edge(edges[i]);
    for (int bit = 38; bit < 64; bit++)
        check_edge(1UL << bit);
    /* Just above the heap, and out of it. */
    check_edge((uint64)valid + PGSIZE);
    n = read(fd, valid + PGSIZE - 8, 16);
    if (n > 8)
        fail("a read went beyond the heap: %d bytes", n);
    /* Address 0 is text: it may be read, and not written. */
    fd = open(SCRATCH_FILE, O_RDWR);
    if (!dies(store_byte, 0) || read(fd, 0, 8) != -1)
        fail("the text at 0 can be written");
    if (write(fd, 0, 8) != 8)
        fail("the text at 0 cannot be read");
    if (read(fd, valid, -1) != -1 || write(fd, valid, -1) != -1)
        fail("a length of -1 is not refused");
}
