/*
 * Memory: the layout of a program, its heap in every direction, the stack and
 * its guard page, text that cannot be written, and the top of user space.
 */
#include "usertests.h"

#define GIGABYTE (1L << 30)
/* Pages that other processes may take or give back between two counts. */
#define OTHERS 30

extern char end[]; /* user.ld: of the image */

static void test_layout(void)
{
    uint64 image_end = PGROUNDUP((uint64)end);
    uint64 stack = PGROUNDDOWN(r_sp());

    expect((uint64)test_layout < image_end);
    expect(stack == image_end + PGSIZE);
    if (start() == 0) {
        exec(self, (char *[]){"x", "@layout", 0});
        exit(9);
    }
    finish(1);
}

static void test_guard_page(void)
{
    uint64 stack = PGROUNDDOWN(r_sp());

    expect(dies(load_byte, stack - 1) && dies(store_byte, stack - 1));
    expect(dies(load_byte, stack - PGSIZE) && dies(store_byte, stack - PGSIZE));
    expect(!dies(load_byte, stack) && !dies(store_byte, stack));
    expect(!dies(store_byte, stack + PGSIZE - 1));
}

/* Uses more stack than there is; the depth is for the compiler. */
static int __attribute__((noinline)) use_stack(int depth)
{
    volatile char frame[200];

    frame[depth % 200] = (char)depth;
    return depth > 1000 ? 0 : use_stack(depth + 1) + frame[depth % 200];
}

static void overflow(uint64 unused)
{
    (void)unused;
    exit(use_stack(0) & 1);
}

static void test_stack_overflow(void)
{
    expect(dies(overflow, 0));
}

static void test_text_is_read_only(void)
{
    char before = *(volatile char *)(uint64)test_layout;

    expect(dies(store_byte, 0));
    expect(dies(store_byte, (uint64)test_layout));
    expect(dies(store_byte, (uint64)test_text_is_read_only));
    expect(*(volatile char *)(uint64)test_layout == before);
}

static void test_forbidden_addresses(void)
{
    static const uint64 addresses[] = {
        TRAPFRAME,
        TRAMPOLINE,
        MAXVA,
        MAXVA + PGSIZE,
        KERNBASE,
        KERNBASE + 0x200000,
        PHYSTOP - 1,
        0x10000000,
        0x7fffffffffffffff,
        0x8000000000000000,
        0xffffffc080200000,
        0xffffffff80000000,
        -1UL,
    };

    for (uint i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        if (!dies(load_byte, addresses[i]) || !dies(store_byte, addresses[i]))
            fail("%p can be used", (char *)addresses[i]);
    }
}

/* All of RAM as a kernel linked at its usual address would see it. */
static void test_kernel_memory(void)
{
    for (uint64 at = KERNBASE; at < KERNBASE + 2000000; at += 50000)
        expect(dies(load_byte, at));
}

static void test_sbrk_basics(void)
{
    char *old = sbrk(0);

    for (int i = 0; i < 5000; i++) {
        if (sbrk(1) != old + i)
            fail("sbrk of byte %d gave another place", i);
        if (old[i] != 0)
            fail("byte %d is not zero", i);
        old[i] = 1;
    }
    expect(sbrk(-5000) == old + 5000 && sbrk(0) == old);
    expect(sbrk(5000) == old);
    for (int i = 0; i < 5000; i++) {
        if (old[i] != 0)
            fail("byte %d comes back as it was, not as zero", i);
    }
    if (start() == 0) {
        sbrk(10);
        expect(sbrk(0) == old + 5010);
        exit(0);
    }
    finish(1);
    expect(sbrk(0) == old + 5000); /* another's heap is not ours */
}

/* Within pages, across them and back, in any order; what shrank is zero. */
static void test_sbrk_any_direction(void)
{
    char *base = page_heap();
    uint state = 5, size = 0;

    for (int i = 0; i < 2000; i++) {
        uint to = next_random(&state) % (5 * PGSIZE);
        int lazy = next_random(&state) % 2;
        char *old = (lazy ? sbrklazy : sbrk)((int)to - (int)size);
        if (old != base + size || sbrk(0) != base + to)
            fail("from %u to %u bytes: the heap ends at %p", size, to, sbrk(0));
        for (; size < to; size++) {
            if (base[size] != 0)
                fail("byte %u is not zero", size);
            base[size] = 1;
        }
        size = to;
    }
}

static void test_sbrk_eager(void)
{
    enum { PAGES = 100 };
    long free = calf_meminfo("free");
    char *old = page_heap();

    expect(sbrk(PAGES * PGSIZE) == old);
    if (free >= 0)
        expect(calf_meminfo("free") <= free - PAGES + OTHERS);
    free = calf_meminfo("free");
    expect(sbrklazy(PAGES * PGSIZE) == old + PAGES * PGSIZE);
    if (free >= 0)
        expect(calf_meminfo("free") > free - PAGES / 2);
}

/* More than there is: all or nothing, and nothing means nothing. */
static void test_sbrk_refused(void)
{
    char *old = sbrk(0);
    long free;

    expect(sbrk(0x7fffffff) == SBRK_ERROR && sbrk(0) == old);
    free = calf_meminfo("free");
    expect(sbrk((int)GIGABYTE) == SBRK_ERROR && sbrk(0) == old);
    if (free >= 0) {
        expect(calf_meminfo("free") >= free - OTHERS);
        expect(sbrk((int)(free + OTHERS) * PGSIZE) == SBRK_ERROR);
        expect(sbrk(0) == old && calf_meminfo("free") >= free - OTHERS);
    }
    expect(sbrk(PGSIZE) == old);
    old[PGSIZE - 1] = 1;
}

/* Takes all memory but a few pages, and keeps it until it is killed. */
static int start_holder(void)
{
    int ends[2], pid;
    char byte;

    expect(pipe(ends) == 0);
    if ((pid = start()) == 0) {
        settle();
        take_everything();
        sbrk(-8 * PGSIZE);
        write(ends[1], "x", 1);
        for (;;)
            pause(1000);
    }
    expect(read(ends[0], &byte, 1) == 1);
    close(ends[0]);
    close(ends[1]);
    return pid;
}

static void be_refused_in_the_middle(char *middle)
{
    char *top = middle - 16 * PGSIZE;
    int holder;

    expect(sbrk((int)(top - sbrk(0))) != SBRK_ERROR);
    settle();
    holder = start_holder();
    expect(sbrk(80 * PGSIZE) == SBRK_ERROR && sbrk(0) == top);
    expect(kill(holder) == 0 && wait_one() == -1);
    expect(dies(load_byte, (uint64)top));
    expect(sbrklazy((int)GIGABYTE) == top);
    top[0] = top[GIGABYTE - 1] = 1;
    exit(0);
}

/* Memory ends in the middle of what is asked for, on the way to where this
 * program's parent had heap, too: there nothing may be left. */
static void test_sbrk_refused_midway(void)
{
    char *base = page_heap();
    char *middle = (char *)(((uint64)base + (8 << 20)) & ~0x1fffffUL);

    expect(sbrk((int)(middle - base) + (1 << 20)) == base);
    expect(sbrk((int)(base - sbrk(0))) != SBRK_ERROR);
    if (start() == 0)
        be_refused_in_the_middle(middle);
    finish(1);
}

/* Programs of 2022 know no second argument: whatever is in a1 is eager, but
 * for the one value. */
static void test_sbrk_garbage_how(void)
{
    static const long garbage[] = {0, 1, 3, -1, 0x1000, 1L << 33, -2};
    char *old = page_heap();
    long free;

    for (uint i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
        free = calf_meminfo("free");
        expect(raw_call(SYS_sbrk, 50 * PGSIZE, garbage[i], 0) == (long)old);
        if (free >= 0)
            expect(calf_meminfo("free") <= free - 50 + OTHERS);
        expect(sbrk(-50 * PGSIZE) == old + 50 * PGSIZE);
        expect(raw_call(SYS_sbrk, GIGABYTE, garbage[i], 0) == -1);
    }
}

static void test_sbrk_below_zero(void)
{
    char *old = sbrk(0);

    expect(sbrk(-(int)(uint64)old - 1) == old && sbrk(0) == old);
    expect(sbrk(-0x7fffffff) == old && sbrk(0) == old);
    expect(sbrk((int)(1U << 31)) == old && sbrk(0) == old);
    old[-1] = 1;
}

static void shrink_to(uint64 left)
{
    volatile char on_stack = 1;

    sbrk((int)left - (int)(uint64)sbrk(0));
    (void)on_stack;
}

/* The stack below the heap, and the program itself, can be given back; what
 * is gone is then missed. */
static void test_sbrk_to_zero(void)
{
    uint64 stack = PGROUNDDOWN(r_sp());

    expect(dies(shrink_to, 0));
    expect(dies(shrink_to, stack));
    expect(dies(shrink_to, PGSIZE));
    expect(!dies(shrink_to, stack + PGSIZE));
}

static void grow_and_write(uint64 lazy)
{
    char *at = lazy ? sbrklazy((int)GIGABYTE) : sbrk((int)GIGABYTE);

    if (at == SBRK_ERROR)
        exit(0);
    for (long i = 0; i < GIGABYTE; i += PGSIZE)
        at[i] = 1;
    exit(1);
}

/* Too much memory is refused, or kills the process that touches it alone. */
static void test_a_gigabyte_is_too_much(void)
{
    long total = calf_meminfo("total");
    int status;

    if (total >= GIGABYTE / PGSIZE)
        return; /* here it is not */
    if (start() == 0)
        grow_and_write(0);
    expect((status = wait_one()) == 0 || status == -1);
    if (start() == 0)
        grow_and_write(1);
    expect(wait_one() == -1);
}

static void test_hundred_megabytes(void)
{
    const int size = 100 << 20;
    long free = calf_meminfo("free");
    char *old = sbrk(0);

    if (free >= 0 && free < (108 << 20) / PGSIZE)
        return; /* a machine smaller than such programs are made for */
    expect(sbrk(size) == old);
    for (int i = 0; i < size; i += PGSIZE)
        *(int *)(old + i) = i;
    for (int i = 0; i < size; i += PGSIZE) {
        if (*(int *)(old + i) != i)
            fail("the page at %d has another's contents", i);
    }
    expect(sbrk(-size) == old + size);
}

/* A gigabyte that is touched here and there, by us and by the kernel. */
static void test_lazy_sparse(void)
{
    const long step = 64 << 20;
    char *base = sbrklazy((int)GIGABYTE);
    int ends[2];

    expect(base != SBRK_ERROR && pipe(ends) == 0);
    for (long at = 0; at < GIGABYTE; at += step) {
        expect(base[at] == 0);
        *(long *)(base + at) = at;
        expect(write(ends[1], base + at + step / 2, 9) == 9);
        expect(read(ends[0], base + at + step - PGSIZE - 4, 9) == 9);
    }
    for (long at = 0; at < GIGABYTE; at += step)
        expect(*(long *)(base + at) == at);
    if (start() == 0) {
        for (long at = 0; at < GIGABYTE; at += step)
            expect(*(long *)(base + at) == at);
        base[GIGABYTE - 1] = 1;
        exit(0);
    }
    finish(1);
    expect(base[GIGABYTE - 1] == 0);
}

static void test_lazy_given_back(void)
{
    char *old = page_heap();

    expect(sbrklazy(64 * PGSIZE) == old);
    old[5] = 1;
    old[63 * PGSIZE] = 1;
    expect(sbrk(-32 * PGSIZE) == old + 64 * PGSIZE);
    expect(dies(load_byte, (uint64)old + 63 * PGSIZE));
    expect(dies(store_byte, (uint64)old + 32 * PGSIZE));
    expect(!dies(store_byte, (uint64)old + 31 * PGSIZE));
    expect(sbrklazy(32 * PGSIZE) == old + 32 * PGSIZE);
    expect(old[63 * PGSIZE] == 0 && old[5] == 1);
    /* Eager pages in the middle of lazy ones. */
    expect(sbrk(8 * PGSIZE) == old + 64 * PGSIZE);
    expect(sbrklazy(8 * PGSIZE) == old + 72 * PGSIZE);
    for (int i = 0; i < 80; i++)
        old[i * PGSIZE + 7] = 1;
}

/* The heap may reach the last two pages of user space to the byte, and what is
 * there last may be had at once or lazily; a byte more is refused. */
static void test_heap_to_the_top(void)
{
    char *const last = (char *)TRAPFRAME - PGSIZE;
    char *at = page_heap();

    for (; last - at > GIGABYTE; at += GIGABYTE)
        expect(sbrklazy((int)GIGABYTE) == at);
    expect(sbrklazy((int)(last - at) + PGSIZE + 1) == SBRK_ERROR);
    expect(sbrklazy((int)(last - at)) == at && sbrk(0) == last);
    for (int lazy = 0; lazy < 2; lazy++) {
        expect(sbrk(PGSIZE + 1) == SBRK_ERROR && sbrk(0) == last);
        expect(sbrklazy(PGSIZE + 1) == SBRK_ERROR && sbrk(0) == last);
        expect((lazy ? sbrklazy : sbrk)(PGSIZE) == last);
        expect((uint64)sbrk(0) == TRAPFRAME);
        expect(last[0] == 0 && last[PGSIZE - 1] == 0);
        last[0] = last[PGSIZE - 1] = last[-1] = 1;
        expect(sbrk(1) == SBRK_ERROR && sbrklazy(1) == SBRK_ERROR);
        expect(sbrk(0x7fffffff) == SBRK_ERROR && sbrk(0) == last + PGSIZE);
        expect(dies(load_byte, TRAPFRAME) && dies(store_byte, TRAMPOLINE));
        expect(dies(store_byte, MAXVA));
        expect(write(1, last + PGSIZE - 1, 2) == -1);
        expect(fstat(1, (struct stat *)TRAPFRAME) == -1);
        expect(sbrk(-PGSIZE) == last + PGSIZE);
    }
}

/* What a dead process had is not seen by the next. */
static void test_memory_is_zero(void)
{
    enum { PAGES = 500 };
    char *base = page_heap();

    for (int round = 0; round < 4; round++) {
        if (start() == 0) {
            expect((round % 2 ? sbrklazy : sbrk)(PAGES * PGSIZE) == base);
            for (int i = 0; i < PAGES * PGSIZE; i += 8) {
                if (*(uint64 *)(base + i) != 0)
                    fail("memory at %d has another's contents", i);
            }
            memset(base, 0x77, PAGES * PGSIZE);
            exit(0);
        }
        finish(1);
    }
}

const struct test memory_tests[] = {
    {"layout", test_layout, 0},
    {"guard-page", test_guard_page, NOISY},
    {"stack-overflow", test_stack_overflow, NOISY},
    {"text-is-read-only", test_text_is_read_only, NOISY},
    {"forbidden-addresses", test_forbidden_addresses, NOISY},
    {"kernel-memory", test_kernel_memory, NOISY},
    {"sbrk-basics", test_sbrk_basics, 0},
    {"sbrk-any-direction", test_sbrk_any_direction, 0},
    {"sbrk-eager", test_sbrk_eager, 0},
    {"sbrk-refused", test_sbrk_refused, 0},
    {"sbrk-refused-midway", test_sbrk_refused_midway, NOISY},
    {"sbrk-garbage-how", test_sbrk_garbage_how, 0},
    {"sbrk-below-zero", test_sbrk_below_zero, 0},
    {"sbrk-to-zero", test_sbrk_to_zero, NOISY},
    {"a-gigabyte-is-too-much", test_a_gigabyte_is_too_much, NOISY},
    {"hundred-megabytes", test_hundred_megabytes, 0},
    {"lazy-sparse", test_lazy_sparse, 0},
    {"lazy-given-back", test_lazy_given_back, NOISY},
    {"heap-to-the-top", test_heap_to_the_top, NOISY},
    {"memory-is-zero", test_memory_is_zero, 0},
    {0, 0, 0},
};
