/*
 * The page allocator: what it gives is memory, nobody else's, and as it says;
 * what it takes back comes together again; counts that go wrong are caught at
 * once; and no page is out of reach.
 */
/* sources: tests/host/mm/hal.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/bits.h"
#include "lib/errno.h"
#include "mm/stack.h"
#include "host/mm/hal.h"
#include "host/lib/seed.h"

#define MEMORY (16ul << 20)
#define MOST   (MEMORY / HAL_PAGE_SIZE)
#define ORDERS 11
#define EDGES  70000

static struct page *taken[MOST];
static unsigned taken_count;

static void take_all(void)
{
    while ((taken[taken_count] = page_alloc(PAGE_KERNEL)))
        taken_count++;
}

static void put_all(void)
{
    while (taken_count)
        page_put(taken[--taken_count]);
}

/* How many of the largest blocks there are, when nothing is in pieces. */
static unsigned largest_blocks(void)
{
    struct page *blocks[MOST >> (ORDERS - 1)];
    unsigned count = 0, found;
    while ((blocks[count] = page_alloc_block(PAGE_KERNEL, ORDERS - 1)))
        count++;
    found = count;
    while (count)
        page_put(blocks[--count]);
    return found;
}

/* Every page is free, in use or absent, and counted so. */
static void check_counts(void)
{
    uint64_t kinds[PAGE_KINDS] = {0};
    for (uint64_t i = 0; i < page_span(); i++)
        kinds[page_at(i)->kind]++;
    assert_int_equal(page_span() - kinds[PAGE_ABSENT], page_total_count());
    assert_int_equal(kinds[PAGE_FREE] + kinds[PAGE_HART_CACHED],
                     page_unused_count());
}

/* The wait status of a process of its own that does `act`. */
static int in_a_child(void (*act)(void))
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        /* A test's own words, and its handlers, belong to the parent. */
        signal(SIGABRT, SIG_DFL);
        if (!freopen("/dev/null", "w", stderr))
            _exit(2);
        act();
        exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static bool dies(void (*act)(void))
{
    int status = in_a_child(act);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

/* ---- Layouts of memory
 * ------------------------------------------------------- */

#define RAM(page) (MACHINE_RAM + (page)*HAL_PAGE_SIZE)

static const struct hal_range holes[] = {{RAM(0), RAM(100)},
                                         {RAM(1003), RAM(3000) + 17}};
static const struct hal_range reserved[] = {
    {RAM(0) + 5, RAM(7) + 1}, {RAM(50), RAM(51)}, {RAM(2990), RAM(3200)}};

static void require(bool condition, int line)
{
    if (!condition)
        _exit(line & 0x7f ? line & 0x7f : 1);
}
#define REQUIRE(condition) require(condition, __LINE__)

static bool given(uint64_t page)
{
    bool there = page < 100 || (page >= 1003 && page < 3000);
    return there && page > 7 && page != 50 && page < 2990;
}

static void lay_out(void)
{
    mm_start();
    REQUIRE(page_init(holes, 2, reserved, 3) == 0);
    REQUIRE(page_total_count() == 100 + 1997);
    take_all();
    for (unsigned i = 0; i < taken_count; i++)
        REQUIRE(given((page_physical(taken[i]) - MACHINE_RAM) / HAL_PAGE_SIZE));
    /* All but what the descriptors take. */
    unsigned descriptors = 3000 * sizeof(struct page) / HAL_PAGE_SIZE + 1;
    REQUIRE(taken_count == 100 - 9 + 1987 - descriptors);
    REQUIRE(page_unused_count() == 0);
    put_all();
    REQUIRE(page_unused_count() == 100 - 9 + 1987 - descriptors);
    page_release_range((struct hal_range){RAM(2990) + 1, RAM(2995) + 1});
    REQUIRE(page_unused_count() == 100 - 9 + 1987 - descriptors + 4);
}

static void test_layout(void **unused)
{
    (void)unused;
    assert_int_equal(in_a_child(lay_out), 0);
}

static void too_small(void)
{
    const struct hal_range none = {RAM(3) + 1, RAM(4)}, one = {RAM(0), RAM(90)};
    const struct hal_range all = {RAM(0), RAM(89)};
    mm_start();
    REQUIRE(page_init(&none, 1, NULL, 0) == -ENOMEM);
    REQUIRE(page_init(&one, 0, NULL, 0) == -ENOMEM);
    /* Left free is one page, and the descriptors of 90 need one. */
    REQUIRE(page_init(&one, 1, &all, 1) == 0);
    REQUIRE(!page_alloc(PAGE_KERNEL));
    const struct hal_range rest = {RAM(0), RAM(90)};
    REQUIRE(page_init(&one, 1, &rest, 1) == -ENOMEM);
}

static void test_too_little_memory(void **unused)
{
    (void)unused;
    assert_int_equal(in_a_child(too_small), 0);
}

/* ---- Taking and giving back
 * -------------------------------------------------- */

static int by_address(const void *a, const void *b)
{
    const struct page *const *left = a, *const *right = b;
    return (*left > *right) - (*left < *right);
}

static void test_all_of_it(void **unused)
{
    (void)unused;
    uint64_t before = page_unused_count();
    unsigned blocks = largest_blocks();
    assert_true(blocks > 0);
    take_all();
    assert_int_equal(taken_count, before);
    assert_int_equal(page_unused_count(), 0);
    assert_null(page_alloc_zeroed(PAGE_KERNEL));
    assert_null(page_alloc_block(PAGE_KERNEL, 1));
    check_counts();
    qsort(taken, taken_count, sizeof taken[0], by_address);
    for (unsigned i = 1; i < taken_count; i++)
        assert_ptr_not_equal(taken[i - 1], taken[i]);
    put_all();
    assert_int_equal(page_unused_count(), before);
    assert_int_equal(largest_blocks(), blocks);
    check_counts();
}

struct held {
    struct page *page;
    unsigned order;
    uint8_t mark;
};

static void check_held(const struct held *h)
{
    const uint8_t *data = page_data(h->page);
    for (uint64_t i = 0; i < HAL_PAGE_SIZE << h->order; i += 512)
        assert_int_equal(data[i], h->mark);
}

static void put_held(struct held *h)
{
    check_held(h);
    page_put(h->page);
    h->page = NULL;
}

static void take_held(struct held *h)
{
    h->order = rand() % 4 ? (unsigned)rand() % ORDERS : 0;
    h->mark = rand();
    h->page = h->order ? page_alloc_block(PAGE_SLAB, h->order)
                       : page_alloc(PAGE_SLAB);
    if (!h->page)
        return;
    assert_int_equal(page_count(h->page), 1);
    assert_int_equal(page_physical(h->page) % (HAL_PAGE_SIZE << h->order), 0);
    memset(page_data(h->page), h->mark, HAL_PAGE_SIZE << h->order);
}

static void test_blocks(void **unused)
{
    (void)unused;
    enum { HELD = 40 };
    struct held held[HELD] = {0};
    uint64_t before = page_unused_count();
    unsigned blocks = largest_blocks();
    srand(test_seed(1));
    for (unsigned i = 0; i < 20000; i++) {
        struct held *h = &held[rand() % HELD];
        mm_on_hart(rand() % MM_HARTS);
        if (h->page)
            put_held(h);
        else
            take_held(h);
        if (i % 1000 == 0)
            check_counts();
    }
    for (unsigned i = 0; i < HELD; i++)
        if (held[i].page)
            put_held(&held[i]);
    mm_on_hart(0);
    assert_int_equal(page_unused_count(), before);
    assert_int_equal(largest_blocks(), blocks);
    assert_null(page_alloc_block(PAGE_KERNEL, ORDERS));
}

/* What a page held is gone when it is freed. */
static void test_poison(void **unused)
{
    (void)unused;
    for (unsigned order = 0; order < 3; order += 2) {
        struct page *block = page_alloc_block(PAGE_KERNEL, order);
        const uint8_t *bytes = page_data(block);
        memset(page_data(block), 0x11, HAL_PAGE_SIZE << order);
        page_put(block);
        for (size_t i = 0; i < HAL_PAGE_SIZE << order; i++)
            assert_int_equal(bytes[i], 0xd5);
    }
}

static void test_zeroed(void **unused)
{
    (void)unused;
    static const uint8_t zeros[HAL_PAGE_SIZE];
    for (unsigned i = 0; i < 1000; i++) {
        struct page *page = page_alloc_zeroed(PAGE_ANONYMOUS);
        assert_memory_equal(page_data(page), zeros, HAL_PAGE_SIZE);
        memset(page_data(page), 0xee, HAL_PAGE_SIZE);
        page_put(page);
    }
}

/* What one hart gave back, another finds, when there is nothing else. */
static void test_caches_of_others(void **unused)
{
    (void)unused;
    take_all();
    mm_on_hart(2);
    for (unsigned i = 0; i < 10; i++)
        page_put(taken[--taken_count]);
    mm_on_hart(1);
    for (unsigned i = 0; i < 10; i++) {
        taken[taken_count] = page_alloc(PAGE_KERNEL);
        assert_non_null(taken[taken_count++]);
    }
    assert_null(page_alloc(PAGE_KERNEL));
    mm_on_hart(0);
    put_all();
}

/* Pages of spare stacks are as good as free. */
static void test_reclaim(void **unused)
{
    (void)unused;
    uint64_t before = page_free_count(), unused_before = page_unused_count();
    struct stack *stacks[HAL_STACKS];
    for (unsigned i = 0; i < HAL_STACKS; i++)
        assert_non_null(stacks[i] = stack_alloc());
    assert_null(stack_alloc());
    for (unsigned i = 0; i < HAL_STACKS; i++)
        stack_free(stacks[i]);
    assert_int_equal(page_free_count(), before);
    assert_true(page_unused_count() < unused_before);
    take_all();
    assert_int_equal(taken_count, before);
    assert_null(stack_alloc());
    put_all();
    assert_int_equal(page_unused_count(), unused_before);
    assert_non_null(stacks[0] = stack_alloc());
    stack_free(stacks[0]);
    assert_int_equal(page_free_count(), before);
}

static void test_fail_after(void **unused)
{
    (void)unused;
    struct page *pages[5];
    page_fail_after(3);
    for (unsigned i = 0; i < 5; i++)
        pages[i] =
            i % 2 ? page_alloc_zeroed(PAGE_KERNEL) : page_alloc(PAGE_KERNEL);
    for (unsigned i = 0; i < 5; i++)
        assert_true(!pages[i] == (i == 2));
    for (unsigned i = 0; i < 5; i++)
        if (pages[i])
            page_put(pages[i]);
    page_fail_after(1);
    assert_null(page_alloc_block(PAGE_KERNEL, 2));
    page_fail_after(1);
    mm_on_hart(1);
    assert_non_null(pages[0] = page_alloc(PAGE_KERNEL));
    page_put(pages[0]);
    mm_on_hart(0);
    page_fail_after(0);
    assert_non_null(pages[0] = page_alloc(PAGE_KERNEL));
    page_put(pages[0]);
}

/* ---- Counts
 * ------------------------------------------------------------------ */

static void test_many_references(void **unused)
{
    (void)unused;
    uint64_t before = page_unused_count();
    struct page *page = page_alloc(PAGE_CACHE);
    for (unsigned i = 0; i < EDGES; i++)
        page_get(page);
    assert_int_equal(page_count(page), EDGES + 1);
    for (unsigned i = 0; i < EDGES; i++)
        page_put(page);
    assert_int_equal(page_count(page), 1);
    assert_int_equal(page_unused_count(), before - 1);
    page_put(page);
    assert_int_equal(page_unused_count(), before);
}

static void put_twice(void)
{
    struct page *page = page_alloc(PAGE_ANONYMOUS);
    page_put(page);
    page_put(page);
}

static void put_block_twice(void)
{
    struct page *page = page_alloc_block(PAGE_ANONYMOUS, 3);
    page_put(page);
    page_put(page);
}

static void get_free(void)
{
    struct page *page = page_alloc(PAGE_ANONYMOUS);
    page_put(page);
    page_get(page);
}

static void get_too_often(void)
{
    struct page *page = page_alloc(PAGE_ANONYMOUS);
    atomic_store(&page->count, 0x80000000u);
    page_get(page);
}

static void free_free(void)
{
    struct page *page = page_alloc(PAGE_ANONYMOUS);
    page_put(page);
    page_free(page);
}

static void nothing_wrong(void)
{
    page_put(page_alloc(PAGE_ANONYMOUS));
}

static void test_wrong_counts(void **unused)
{
    (void)unused;
    assert_false(dies(nothing_wrong));
    assert_true(dies(put_twice));
    assert_true(dies(put_block_twice));
    assert_true(dies(get_free));
    assert_true(dies(get_too_often));
    assert_true(dies(free_free));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_of_it),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_zeroed),
        cmocka_unit_test(test_poison),
        cmocka_unit_test(test_caches_of_others),
        cmocka_unit_test(test_reclaim),
        cmocka_unit_test(test_fail_after),
        cmocka_unit_test(test_many_references),
        cmocka_unit_test(test_wrong_counts),
    };
    const struct CMUnitTest layouts[] = {
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_too_little_memory),
    };
    int failed = cmocka_run_group_tests(layouts, NULL, NULL);
    mm_boot(MEMORY);
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
