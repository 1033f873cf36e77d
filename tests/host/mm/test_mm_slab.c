/*
 * Small objects: aligned, apart from each other, and their pages come back.
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
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/text.h"
#include "mm/audit.h"
#include "mm/reserve.h"
#include "mm/slab.h"
#include "mm/slab_guard.h"
#include "host/mm/hal.h"
#include "host/lib/seed.h"

#define OBJECTS 600

struct held {
    uint8_t *object;
    size_t size;
    uint8_t mark;
};

static struct held held[OBJECTS];
static uint64_t before, objects_before;

static int begin(void **unused)
{
    (void)unused;
    before = page_unused_count();
    objects_before = slab_count_objects();
    return 0;
}

static void put(struct held *h)
{
    for (size_t i = 0; h->object && i < h->size; i++)
        if (h->object[i] != h->mark)
            mm_fail("object of %zu bytes: byte %zu has changed", h->size, i);
    slab_free(h->object);
    h->object = NULL;
}

/* Whether the pages of all objects have come back. */
static int finish(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < OBJECTS; i++)
        put(&held[i]);
    mm_on_hart(0);
    return page_unused_count() != before ||
           slab_count_objects() != objects_before;
}

static bool take(struct held *h, size_t size)
{
    h->size = size;
    h->mark = rand();
    h->object = slab_alloc(size);
    if (!h->object)
        return false;
    assert_int_equal((uintptr_t)h->object % 16, 0);
    memset(h->object, h->mark, size);
    return true;
}

static void test_every_size(void **unused)
{
    (void)unused;
    for (size_t size = 0; size < 5 * HAL_PAGE_SIZE; size += size < 600 ? 1 : 97)
        for (unsigned i = 0; i < 5; i++) {
            struct held *h = &held[(size + i) % 20];
            put(h);
            assert_true(take(h, size));
        }
}

static size_t some_size(void)
{
    unsigned which = rand() % 20;
    if (which == 0)
        return 1 + rand() % (6 * HAL_PAGE_SIZE);
    return 1 + rand() % (which < 10 ? 128 : 2100);
}

static void test_mixed(void **unused)
{
    (void)unused;
    srand(test_seed(7));
    for (unsigned i = 0; i < 60000; i++) {
        struct held *h = &held[rand() % OBJECTS];
        mm_on_hart(rand() % MM_HARTS);
        if (h->object)
            put(h);
        else
            assert_true(take(h, some_size()));
    }
}

static void test_zeroed(void **unused)
{
    (void)unused;
    static const uint8_t zeros[300];
    for (unsigned i = 0; i < 30; i++) {
        assert_true(take(&held[i], sizeof zeros));
        put(&held[i]);
        uint8_t *object = slab_alloc_zeroed(sizeof zeros);
        assert_memory_equal(object, zeros, sizeof zeros);
        slab_free(object);
    }
    slab_free(NULL);
}

/* Few pages hold many objects: 64 bytes are not a page each. */
static void test_density(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < OBJECTS; i++)
        assert_true(take(&held[i], 64));
    assert_in_range(before - page_unused_count(), 1,
                    OBJECTS * (64 + SLAB_GUARD) / HAL_PAGE_SIZE + 2);
    assert_int_equal(slab_count_objects() - objects_before, OBJECTS);
}

static void test_too_large(void **unused)
{
    (void)unused;
    assert_null(slab_alloc((4ul << 20) + 1));
    assert_null(slab_alloc(SIZE_MAX));
    assert_null(slab_alloc_zeroed(SIZE_MAX - 4095));
}

static void test_no_memory(void **unused)
{
    (void)unused;
    static struct page *taken[2048];
    unsigned count = 0, objects = 0;
    while ((taken[count] = page_alloc(PAGE_KERNEL)))
        count++;
    page_put(taken[--count]);
    while (objects < OBJECTS && take(&held[objects], 448))
        objects++;
    unsigned fit = HAL_PAGE_SIZE / (448 + SLAB_GUARD);
    assert_in_range(objects, fit - 2, fit);
    assert_null(slab_alloc(16));
    assert_null(slab_alloc(9000));
    put(&held[0]);
    assert_true(take(&held[0], 440));
    while (count)
        page_put(taken[--count]);
}

/* An object out of a page that has room is an allocation that can fail. */
static void test_fail_after(void **unused)
{
    (void)unused;
    page_fail_after(2);
    assert_true(take(&held[0], 100));
    assert_false(take(&held[1], 100));
    assert_true(take(&held[2], 100));
    page_fail_after(1);
    assert_null(slab_alloc(8000));
    page_fail_after(1);
    assert_null(slab_alloc(1300));
    page_fail_after(0);
}

/* ---- Guards -------------------------------------------------------------- */

static uint8_t *neighbour; /* keeps the page in use */

static void nothing_wrong(void)
{
    uint8_t *object = slab_alloc(50);
    memset(object, 1, 50);
    slab_free(object);
    assert_non_null(slab_alloc(50));
}

static void write_past(void)
{
    uint8_t *object = slab_alloc(50);
    object[50] = 1;
    slab_free(object);
}

/* The last byte of the piece, which the next one may follow. */
static void write_far_past(void)
{
    uint8_t *object = slab_alloc(64);
    object[79] = 1;
    slab_free(object);
}

static void write_before(void)
{
    uint8_t *object = slab_alloc(50);
    object[-1] = 1;
    slab_free(object);
}

static void write_far_before(void)
{
    uint8_t *object = slab_alloc(50);
    object[-16] = 1;
    slab_free(object);
}

static void free_twice(void)
{
    uint8_t *object = slab_alloc(50);
    slab_free(object);
    slab_free(object);
}

static void free_middle(void)
{
    uint8_t *object = slab_alloc(50);
    slab_free(object + 16);
}

static void free_none(void)
{
    slab_free(page_data(page_alloc(PAGE_KERNEL)));
}

/* The next of that size is the one that was freed last. */
static void write_after(void)
{
    uint8_t *object = slab_alloc(50);
    slab_free(object);
    object[49] = 1;
    slab_alloc(50);
}

/* What `act` says in a process of its own, which is to end in a panic. */
static const char *last_words(void (*act)(void))
{
    static char said[4096];
    int ends[2], status;
    ssize_t used = 0, got;
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    if (!child) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], 1);
        dup2(ends[1], 2);
        act();
        _exit(0);
    }
    close(ends[1]);
    while ((got = read(ends[0], said + used, sizeof said - 1 - used)) > 0)
        used += got;
    close(ends[0]);
    said[used] = '\0';
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT ? said : "";
}

static void test_guards(void **unused)
{
    static const struct {
        void (*act)(void);
        const char *says;
    } wrong[] = {
        {write_past, "was written to past its end at 50 bytes"},
        {write_far_past, "was written to past its end at 64 bytes"},
        {write_before, "was written to before its start"},
        {write_far_before, "was written to before its start"},
        {free_twice, "is freed twice"},
        {free_middle, "or is none"},
        {free_none, "freed as an object, but is none"},
        {write_after, "was written to after it was freed"},
    };
    (void)unused;
    neighbour = slab_alloc(50);
    assert_string_equal(last_words(nothing_wrong), "");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const char *said = last_words(wrong[i].act);
        if (!strstr(said, wrong[i].says))
            mm_fail("\"%s\" was to be said, not \"%s\"", wrong[i].says, said);
    }
    slab_free(neighbour);
}

/* The audit finds damage before anybody frees the object. */
static void test_audit_sees_damage(void **unused)
{
    static const int wrong[] = {-1, -16, 70, 79};
    static char room[4096];
    (void)unused;
    uint8_t *object = slab_alloc(70);
    void *large = slab_alloc(3 * HAL_PAGE_SIZE);
    assert_null(slab_find_damage());
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct text text;
        text_init(&text, room, sizeof room);
        object[wrong[i]] ^= 4;
        assert_ptr_equal(slab_find_damage(), object);
        assert_int_equal(audit(&text), 1);
        assert_non_null(strstr(room, "was written to from outside"));
        object[wrong[i]] ^= 4;
    }
    slab_free(large);
    uint8_t *free = slab_alloc(70);
    slab_free(free);
    free[69] ^= 4;
    assert_ptr_equal(slab_find_damage(), free);
    free[69] ^= 4;
    assert_null(slab_find_damage());
    slab_free(object);
}

/* Slabs hold no more pages than the reserve has, until they need more; then
 * they hold what they use. */
static void test_reserve(void **unused)
{
    enum { MANY = 2 * RESERVE_PAGES };
    uint8_t *objects[MANY];
    (void)unused;
    reserve_fill();
    assert_int_equal(page_unused_count(), before - RESERVE_PAGES);
    before -= RESERVE_PAGES;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < RESERVE_PAGES; i++)
            objects[i] = slab_alloc(1900); /* two in a page */
        assert_int_equal(page_unused_count(), before);
        for (int i = RESERVE_PAGES; i < MANY; i++)
            objects[i] = slab_alloc(1300); /* three */
        assert_int_equal(page_unused_count(), before);
        for (int i = 0; i < MANY; i++)
            slab_free(objects[i]);
        for (int i = 0; i < MANY; i++)
            objects[i] = slab_alloc(1900);
        assert_int_equal(page_unused_count(), before);
        uint8_t *more[6];
        for (int i = 0; i < 6; i++)
            more[i] = slab_alloc(1900);
        assert_int_equal(page_unused_count(), before - 3);
        for (int i = 0; i < 6; i++)
            slab_free(more[i]);
        assert_int_equal(page_unused_count(), before);
        for (int i = 0; i < MANY; i++)
            slab_free(objects[i]);
        assert_int_equal(page_unused_count(), before);
    }
}

/* Files need zeros, and leave pages to mappings: the reserve has others for
 * those. A page of the reserve can fail on command like any other. */
static void test_reserve_of_pages(void **unused)
{
    (void)unused;
    struct page *page = reserve_alloc(PAGE_CACHE, true);
    assert_int_equal(page_unused_count(), before);
    assert_int_equal(page->kind, PAGE_CACHE);
    memset(page_data(page), 1, HAL_PAGE_SIZE);
    reserve_free(page);
    page_fail_after(1);
    assert_null(reserve_alloc(PAGE_CACHE, true));
    page = reserve_alloc(PAGE_CACHE, true);
    for (unsigned i = 0; i < HAL_PAGE_SIZE; i++)
        assert_int_equal(((uint8_t *)page_data(page))[i], 0);
    page_get(page);
    page_become(page, PAGE_ANONYMOUS);
    page_put(page);
    reserve_free(NULL);
    assert_int_equal(page_count(page), 1);
    assert_int_equal(page_unused_count(), before - 1);
    page_put(page);
    assert_int_equal(page_unused_count(), before);
}

/* When memory ends, what was not had is not counted as held. */
static void test_reserve_without_memory(void **unused)
{
    static struct page *taken[2048];
    struct page *held_pages[RESERVE_PAGES];
    unsigned count = 0;
    (void)unused;
    while ((taken[count] = page_alloc(PAGE_KERNEL)))
        count++;
    for (int i = 0; i < RESERVE_PAGES; i++)
        assert_non_null(held_pages[i] = reserve_alloc(PAGE_SLAB, false));
    assert_null(reserve_alloc(PAGE_SLAB, false));
    assert_null(reserve_alloc(PAGE_CACHE, true));
    for (int i = 0; i < RESERVE_PAGES; i++)
        reserve_free(held_pages[i]);
    assert_int_equal(page_unused_count(), 0);
    while (count)
        page_put(taken[--count]);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_every_size),
        CASE(test_mixed),
        CASE(test_zeroed),
        CASE(test_density),
        CASE(test_too_large),
        CASE(test_no_memory),
        CASE(test_fail_after),
        CASE(test_guards),
        CASE(test_audit_sees_damage),
        CASE(test_reserve), /* from here on, for good */
        CASE(test_reserve_of_pages),
        CASE(test_reserve_without_memory),
    };
    mm_boot(8ul << 20);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
