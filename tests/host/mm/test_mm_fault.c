/*
 * Faults in phases: while a page of a file or memory is waited for, nothing of
 * the space is locked, and another thread of the process does what it likes to
 * the place. What comes of it is what the place is afterwards.
 */
/* sources: tests/host/mm/hal.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "host/mm/hal.h"
#include "lib/errno.h"
#include "mm/oom.h"

#define RW    (PROT_READ | PROT_WRITE)
#define PLACE (5ul << 30)
#define PAGES 4

/* ---- A file whose pages have to be waited for -----------------------------
 */

static struct page *file_pages[PAGES];
static bool is_here[PAGES];
static int users, waits, file_error;
static int goes_again; /* so often a page is given up before it is looked at */
static void (*meanwhile)(void); /* once, while a page or memory is waited for */
static struct space *space;

static void come_between(void)
{
    void (*act)(void) = meanwhile;
    meanwhile = NULL;
    assert_false(mm_locks_a_space());
    if (!act)
        return;
    mm_on_hart(1);
    space_enter(space);
    act();
    mm_on_hart(0);
}

static int page_at_index(struct object *object, uint64_t index,
                         struct page **out)
{
    (void)object;
    if (index >= PAGES)
        return -ENXIO;
    if (!is_here[index])
        return -EAGAIN;
    page_get(file_pages[index]);
    *out = file_pages[index];
    return 0;
}

static int fetch(struct object *object, uint64_t index)
{
    (void)object;
    waits++;
    come_between();
    is_here[index] = !file_error && goes_again-- <= 0;
    return file_error;
}

static void get(struct object *object)
{
    (void)object;
    users++;
}

static void put(struct object *object)
{
    (void)object;
    users--;
}

static const struct object_ops ops = {
    .page = page_at_index, .fetch = fetch, .get = get, .put = put};
static struct object file = {.ops = &ops};

/* ---- Memory that runs out --------------------------------------------------
 */

static struct page *taken[8192];
static unsigned taken_count, may_give;
static uint64_t most_wanted;

static void take_all(void)
{
    for (struct page *page; (page = page_alloc(PAGE_KERNEL));)
        taken[taken_count++] = page;
}

static uint64_t scan(uint64_t wanted)
{
    uint64_t given = 0;
    most_wanted = wanted > most_wanted ? wanted : most_wanted;
    come_between();
    for (; given < wanted && may_give && taken_count; given++, may_give--)
        page_put(taken[--taken_count]);
    return given;
}

static struct shrinker shrinker = {.scan = scan};

/* ---- The process -----------------------------------------------------------
 */

static uint64_t frames_before;

static int map(uint64_t start, unsigned pages, uint8_t prot,
               struct object *object, uint64_t page)
{
    struct region region = {.start = start,
                            .end = start + pages * HAL_PAGE_SIZE,
                            .prot = prot,
                            .use = REGION_MAPPING,
                            .object = object,
                            .offset = page * HAL_PAGE_SIZE};
    return space_map(space, &region);
}

static int begin(void **unused)
{
    (void)unused;
    frames_before = page_unused_count();
    space = space_create();
    space_enter(space);
    memset(is_here, 0, sizeof is_here);
    waits = users = file_error = goes_again = 0;
    most_wanted = may_give = 0;
    meanwhile = NULL;
    oom_begin();
    return map(PLACE, PAGES, RW, &file, 0);
}

static int end(void **unused)
{
    (void)unused;
    assert_int_equal(mm_audit(), 0);
    mm_leave(space);
    space_destroy(space);
    assert_int_equal(users, 0);
    for (unsigned i = 0; i < PAGES; i++)
        assert_int_equal(page_count(file_pages[i]), 1);
    while (taken_count)
        page_put(taken[--taken_count]);
    assert_int_equal(page_unused_count(), frames_before);
    return 0;
}

static enum fault fault(unsigned page, enum access access)
{
    return space_fault(space, PLACE + page * HAL_PAGE_SIZE, access);
}

static uint8_t byte(unsigned page)
{
    const uint8_t *at = mm_peek(space, PLACE + page * HAL_PAGE_SIZE);
    return at ? *at : 0xff;
}

/* ---- A page of a file is waited for ----------------------------------------
 */

static void test_page_comes(void **unused)
{
    (void)unused;
    assert_int_equal(fault(1, ACCESS_READ), FAULT_FILE);
    assert_int_equal(waits, 1);
    assert_int_equal(page_count(file_pages[1]), 2);
    assert_int_equal(fault(2, ACCESS_WRITE), FAULT_FILE);
    assert_int_equal(page_count(file_pages[2]), 1);
    assert_int_equal(byte(2), 12);
    /* What is here is not waited for. */
    is_here[3] = true;
    assert_int_equal(fault(3, ACCESS_READ), FAULT_FILE);
    assert_int_equal(waits, 2);
}

static void audit_now(void)
{
    assert_int_equal(mm_audit(), 0);
}

/* Whoever waits holds nothing that an audit could miss. */
static void test_audit_meanwhile(void **unused)
{
    (void)unused;
    meanwhile = audit_now;
    assert_int_equal(fault(1, ACCESS_READ), FAULT_FILE);
}

static void test_page_is_given_up_again(void **unused)
{
    (void)unused;
    goes_again = 3;
    assert_int_equal(fault(1, ACCESS_READ), FAULT_FILE);
    assert_int_equal(waits, 4);
}

static struct thread *waiting;

static void die(void)
{
    goes_again = 1000;
    waiting->machine.work |= HAL_WORK_KILLED;
}

/* A killed thread waits no more, though its page is given up each time. */
static void test_killed_while_waiting(void **unused)
{
    (void)unused;
    waiting = thread_current();
    meanwhile = die;
    assert_int_equal(fault(1, ACCESS_READ), FAULT_NOMEM);
    assert_int_equal(waits, 1);
    thread_current()->machine.work = 0;
}

static void unmap_all(void)
{
    assert_int_equal(space_unmap(space, PLACE, PLACE + PAGES * HAL_PAGE_SIZE),
                     0);
}

static void test_place_is_unmapped(void **unused)
{
    (void)unused;
    meanwhile = unmap_all;
    assert_int_equal(fault(1, ACCESS_WRITE), FAULT_SEGV);
    assert_int_equal(byte(1), 0xff);
    assert_int_equal(users, 0);
}

static void map_memory(void)
{
    unmap_all();
    assert_int_equal(map(PLACE, PAGES, RW, NULL, 0), 0);
}

static void test_place_becomes_memory(void **unused)
{
    (void)unused;
    meanwhile = map_memory;
    assert_int_equal(fault(1, ACCESS_WRITE), FAULT_ZERO);
    assert_int_equal(byte(1), 0);
    assert_int_equal(users, 0);
}

static void map_another_part(void)
{
    unmap_all();
    assert_int_equal(map(PLACE, 2, RW, &file, 2), 0);
}

static void test_place_shows_another_page(void **unused)
{
    (void)unused;
    meanwhile = map_another_part;
    assert_int_equal(fault(1, ACCESS_READ), FAULT_FILE);
    assert_int_equal(byte(1), 13);
    assert_int_equal(waits, 2);
    assert_int_equal(page_count(file_pages[1]), 1);
}

/* The same page at another address of the region is what was got. */
static void move_there(void)
{
    unmap_all();
    assert_int_equal(map(PLACE + HAL_PAGE_SIZE, 1, RW, &file, 1), 0);
}

static void test_place_is_mapped_anew(void **unused)
{
    (void)unused;
    meanwhile = move_there;
    assert_int_equal(fault(1, ACCESS_READ), FAULT_FILE);
    assert_int_equal(waits, 1);
    assert_int_equal(byte(1), 11);
}

static void forbid_writing(void)
{
    assert_int_equal(
        space_protect(space, PLACE, PLACE + PAGES * HAL_PAGE_SIZE, PROT_READ),
        0);
}

static void test_place_is_forbidden(void **unused)
{
    (void)unused;
    meanwhile = forbid_writing;
    assert_int_equal(fault(1, ACCESS_WRITE), FAULT_SEGV);
    assert_int_equal(fault(1, ACCESS_READ), FAULT_FILE);
}

static void write_there(void)
{
    uint8_t value = 77;
    assert_int_equal(
        mm_touch(PLACE + HAL_PAGE_SIZE, &value, 1, ACCESS_WRITE, NULL),
        FAULT_SPURIOUS);
}

/* Another thread has written to the page: its byte stays. */
static void test_place_was_filled(void **unused)
{
    (void)unused;
    meanwhile = write_there;
    assert_int_equal(fault(1, ACCESS_WRITE), FAULT_SPURIOUS);
    assert_int_equal(byte(1), 77);
    assert_int_equal(page_count(file_pages[1]), 1);
}

static struct space *child;

static void fork_there(void)
{
    child = space_fork(space, PLACE + HAL_PAGE_SIZE, PLACE);
    assert_non_null(child);
}

static void test_process_forked(void **unused)
{
    (void)unused;
    uint8_t value = 99;
    meanwhile = fork_there;
    assert_int_equal(
        mm_touch(PLACE + HAL_PAGE_SIZE, &value, 1, ACCESS_WRITE, NULL),
        FAULT_SPURIOUS);
    assert_int_equal(byte(1), 99);
    assert_null(mm_peek(child, PLACE + HAL_PAGE_SIZE));
    assert_int_equal(mm_audit(), 0);
    space_destroy(child);
}

static void test_file_cannot_be_read(void **unused)
{
    (void)unused;
    file_error = -EIO;
    assert_int_equal(fault(1, ACCESS_READ), FAULT_BUS);
    file_error = -ENOMEM;
    assert_int_equal(fault(1, ACCESS_READ), FAULT_NOMEM);
    assert_int_equal(users, 1);
    assert_int_equal(fault(PAGES, ACCESS_READ), FAULT_SEGV);
}

/* ---- Memory is waited for ---------------------------------------------------
 */

static void test_memory_is_found(void **unused)
{
    (void)unused;
    take_all();
    may_give = 40;
    assert_int_equal(map(PLACE + (1ul << 31), 1, RW, NULL, 0), 0);
    assert_int_equal(space_fault(space, PLACE + (1ul << 31), ACCESS_WRITE),
                     FAULT_ZERO);
    assert_true(most_wanted > 0);
}

static void test_memory_is_not_found(void **unused)
{
    (void)unused;
    assert_int_equal(map(PLACE + (1ul << 31), 1, RW, NULL, 0), 0);
    take_all();
    assert_int_equal(space_fault(space, PLACE + (1ul << 31), ACCESS_WRITE),
                     FAULT_NOMEM);
    may_give = 40;
    thread_current()->machine.work |= HAL_WORK_KILLED;
    assert_int_equal(space_fault(space, PLACE + (1ul << 31), ACCESS_WRITE),
                     FAULT_NOMEM);
    thread_current()->machine.work = 0;
    assert_int_equal(may_give, 40);
}

static void test_unmapped_while_memory_is_found(void **unused)
{
    (void)unused;
    take_all();
    may_give = 40;
    meanwhile = unmap_all;
    assert_int_equal(fault(1, ACCESS_WRITE), FAULT_SEGV);
}

/* Each try asks for more, so that few are needed. */
static void test_tries_ask_for_more(void **unused)
{
    (void)unused;
    unsigned tries = 0;
    /* Plenty: somebody gave it back, or something else is missing. */
    for (unsigned i = 0; i < 3; i++)
        assert_true(oom_retry(&tries, 1));
    assert_false(oom_retry(&tries, 1));
    assert_int_equal(most_wanted, 0);
    tries = 0;
    take_all();
    for (uint64_t wanted = 16; wanted <= 256; wanted *= 2) {
        may_give = 1;
        assert_true(oom_retry(&tries, 1));
        assert_int_equal(most_wanted, wanted);
    }
    may_give = 1;
    assert_true(oom_retry(&tries, 5000));
    assert_true(most_wanted > 4900);
    may_give = 0;
    assert_false(oom_retry(&tries, 1));
    /* Who has given up within a call does so until the next one. */
    may_give = 10;
    assert_false(oom_retry(&tries, 1));
    oom_begin();
    assert_true(oom_retry(&tries, 1));
}

/* ---- Many pages at once ---------------------------------------------------
 */

static int populate(void)
{
    return space_populate(space, PLACE, PLACE + PAGES * HAL_PAGE_SIZE);
}

static void test_populate(void **unused)
{
    (void)unused;
    assert_int_equal(populate(), 0);
    assert_int_equal(waits, PAGES);
    for (unsigned i = 0; i < PAGES; i++)
        assert_int_equal(byte(i), 10 + i);
}

static void test_u5_populate_loses_its_place(void **unused)
{
    (void)unused;
    meanwhile = unmap_all;
    assert_int_equal(populate(), -EFAULT);
    assert_int_equal(users, 0);
}

static void test_populate_finds_memory_instead(void **unused)
{
    (void)unused;
    meanwhile = map_memory;
    assert_int_equal(populate(), 0);
    assert_int_equal(byte(0), 0);
    assert_int_equal(byte(PAGES - 1), 0);
    assert_int_equal(waits, 1);
}

static int map_now(unsigned pages)
{
    struct region region = {.start = PLACE + (1ul << 31),
                            .end = PLACE + (1ul << 31) + pages * HAL_PAGE_SIZE,
                            .prot = RW,
                            .use = REGION_HEAP};
    return space_map_now(space, &region);
}

static void test_map_now_finds_memory(void **unused)
{
    (void)unused;
    take_all();
    may_give = 1100;
    assert_int_equal(map_now(1000), 0);
    assert_int_equal(space_resident(space), 1000);
    /* At once what is missing, not a few at a time. */
    assert_true(most_wanted >= 1000);
}

static void test_map_now_leaves_nothing(void **unused)
{
    (void)unused;
    take_all();
    may_give = 900;
    assert_int_equal(map_now(1000), -ENOMEM);
    assert_int_equal(space_resident(space), 0);
    assert_null(region_find(space->regions, PLACE + (1ul << 31)));
    may_give = 1100;
    oom_begin();
    assert_int_equal(map_now(1000), 0);
    assert_int_equal(map(PLACE + (1ul << 31), 1, RW, NULL, 0), -EEXIST);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_page_comes),
        CASE(test_audit_meanwhile),
        CASE(test_page_is_given_up_again),
        CASE(test_killed_while_waiting),
        CASE(test_place_is_unmapped),
        CASE(test_place_becomes_memory),
        CASE(test_place_shows_another_page),
        CASE(test_place_is_mapped_anew),
        CASE(test_place_is_forbidden),
        CASE(test_place_was_filled),
        CASE(test_process_forked),
        CASE(test_file_cannot_be_read),
        CASE(test_memory_is_found),
        CASE(test_memory_is_not_found),
        CASE(test_unmapped_while_memory_is_found),
        CASE(test_tries_ask_for_more),
        CASE(test_populate),
        CASE(test_u5_populate_loses_its_place),
        CASE(test_populate_finds_memory_instead),
        CASE(test_map_now_finds_memory),
        CASE(test_map_now_leaves_nothing),
    };
    mm_boot(16ul << 20);
    oom_add_shrinker(&shrinker);
    mm_most_faults = 2;
    for (unsigned i = 0; i < PAGES; i++) {
        file_pages[i] = page_alloc(PAGE_CACHE);
        memset(page_data(file_pages[i]), 10 + i, HAL_PAGE_SIZE);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
