/*
 * Memory that comes and goes while it is shared: the heap's end moves in one
 * process, and neither a neighbour page nor another process may notice.
 */
#include "cowtest.h"

void test_shrink_in_pages(void)
{
    enum { PAGES = 8 };
    char *base = take_pages(PAGES);
    char *last = base + (PAGES - 1) * PGSIZE;

    stamp_pages(base, PAGES, 1);
    if (start() == 0) {
        /* Bytes of a page that is still in use do not take the page. */
        sbrk(-1);
        sbrk(-100);
        check_pages(base, PAGES, 1, "child, a few bytes less");
        sbrk(-(PGSIZE - 101));
        check_pages(base, PAGES - 1, 1, "child, a page less");
        if (!dies(load_byte, (uint64)last))
            fail("the page given back is still there");
        if (dies(load_byte, (uint64)last - 1))
            fail("its neighbour is gone");
        exit(0);
    }
    finish(1);
    check_pages(base, PAGES, 1, "parent");

    if (start() == 0) {
        give_pages(PAGES - 2);
        stamp_pages(base, 2, 2);
        check_pages(base, 2, 2, "child, two pages left");
        exit(0);
    }
    finish(1);
    check_pages(base, PAGES, 1, "parent, at the end");
}

/*
 * There is no call that takes a permission away and leaves the page. Giving
 * the page back is what comes next: it must revoke a right to write that was
 * only postponed, in one process alone.
 */
void test_revoked_pages(void)
{
    enum { PAGES = 4 };
    char *base = take_pages(PAGES);

    stamp_pages(base, PAGES, 1);
    if (start() == 0) {
        give_pages(PAGES / 2);
        if (!dies(store_byte, (uint64)base + PAGES / 2 * PGSIZE))
            fail("a page given back can be written");
        take_pages(PAGES / 2);
        for (long i = PAGES / 2 * PGSIZE; i < PAGES * PGSIZE; i++) {
            if (base[i] != 0)
                fail("a page taken again still holds the parent's bytes");
        }
        stamp_pages(base, PAGES, 2);
        exit(0);
    }
    finish(1);
    check_pages(base, PAGES, 1, "parent");
    stamp_pages(base, PAGES, 3);
    check_pages(base, PAGES, 3, "parent, at the end");
}

static char *take_lazily(long pages)
{
    char *base = sbrklazy((int)(pages * PGSIZE));

    if (base == SBRK_ERROR)
        fail("sbrklazy of %ld pages failed", pages);
    return base;
}

static void check_zero(char *base, long pages, long stride, const char *when)
{
    for (long i = 0; i < pages; i += stride) {
        volatile uint64 *words = (uint64 *)(base + i * PGSIZE);
        if (words[0] != 0 || words[100] != 0 || words[511] != 0)
            fail("page %ld is not zero %s", i, when);
    }
}

void test_zero_page(void)
{
    enum { PAGES = 2048, ROUNDS = 4 };
    char *base = take_lazily(PAGES);
    int fd = scratch_open(PGSIZE);

    for (int round = 0; round < ROUNDS; round++) {
        check_zero(base, PAGES, 1, "before it is written");
        if (start() == 0) {
            /* By hand and by the kernel, over pages that were only read. */
            for (long i = 0; i < PAGES; i += 2)
                stamp(base, i, 2);
            if (read(fd, base + PGSIZE, 8) != 8)
                fail("cannot read into a page that was only read");
            check_zero(base + 3 * PGSIZE, PAGES - 3, 2, "beside one written");
            exit(0);
        }
        finish(1);
        check_zero(base, PAGES, 1, "after a child wrote");
        for (long i = 1; i < PAGES; i += 2)
            stamp(base, i, 3);
        check_zero(base, PAGES, 2, "after its neighbour was written");
        give_pages(PAGES);
        take_lazily(PAGES);
        close(fd);
        fd = scratch_open(PGSIZE);
    }
    check_zero(base, PAGES, 1, "at the end");
}
