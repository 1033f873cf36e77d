/*
 * Large ranges are made and dropped in pieces: between two of them the space is
 * not locked, others do what they like, and a kill is noticed. What fails, at
 * whichever allocation, leaves nothing behind.
 */
/* sources: tests/host/mm/hal.c */
/* flags: -Wl,--wrap=mutex_unlock */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "host/mm/hal.h"
#include "lib/errno.h"

#define RW    (PROT_READ | PROT_WRITE)
#define GIB   (1ul << 30)
#define MIB   (1ul << 20)
#define PLACE (5 * GIB + 3 * HAL_PAGE_SIZE)
#define PAGES 1500
#define END   (PLACE + PAGES * HAL_PAGE_SIZE)

static struct space *space;
static uint64_t frames_before;

/* ---- What happens when the space is let go of ------------------------------
 */

static unsigned letting_go;   /* how often it was */
static unsigned at_once;      /* pages that came or went while it was locked */
static void (*between)(void); /* done each time, on hart 1 */
static uint64_t unused;       /* when it was let go of last */

void __real_mutex_unlock(struct mutex *mutex);
void __wrap_mutex_unlock(struct mutex *mutex);

void __wrap_mutex_unlock(struct mutex *mutex)
{
    void (*act)(void) = between;
    uint64_t now = page_unused_count();
    unsigned moved = now > unused ? now - unused : unused - now;
    __real_mutex_unlock(mutex);
    if (!space || mutex != &space->lock || hal_self()->hart)
        return;
    at_once = moved > at_once ? moved : at_once;
    letting_go++;
    if (act) {
        mm_on_hart(1);
        space_enter(space);
        act();
        mm_on_hart(0);
    }
    unused = page_unused_count();
}

static void watch(void (*act)(void))
{
    between = act;
    letting_go = at_once = 0;
    unused = page_unused_count();
}

/* ---- The process -----------------------------------------------------------
 */

static int begin(void **state)
{
    (void)state;
    frames_before = page_unused_count();
    space = space_create();
    space_enter(space);
    watch(NULL);
    return !space;
}

static int end(void **state)
{
    (void)state;
    thread_current()->machine.work = 0;
    watch(NULL);
    assert_int_equal(mm_audit(), 0);
    mm_leave(space);
    space_destroy(space);
    space = NULL;
    assert_int_equal(page_unused_count(), frames_before);
    return 0;
}

static struct region region_of(uint64_t start, uint64_t end_of)
{
    return (struct region){
        .start = start, .end = end_of, .prot = RW, .use = REGION_HEAP};
}

static int grow(void)
{
    struct region region = region_of(PLACE, END);
    return space_map_now(space, &region);
}

static void expect_nothing_there(void)
{
    assert_int_equal(space_resident(space), 0);
    assert_false(region_overlaps(space->regions, PLACE, END));
}

static void write_byte(uint64_t va, uint8_t value)
{
    assert_int_equal(mm_touch(va, &value, 1, ACCESS_WRITE, NULL),
                     FAULT_SPURIOUS);
}

static uint8_t byte(const struct space *in, uint64_t va)
{
    const uint8_t *at = mm_peek(in, va);
    return at ? *at : 0xff;
}

/* ---- Making ----------------------------------------------------------------
 */

static void test_f1_growing_lets_others_in(void **state)
{
    (void)state;
    watch(NULL);
    assert_int_equal(grow(), 0);
    assert_int_equal(space_resident(space), PAGES);
    assert_in_range(at_once, 1, 600);
    assert_true(letting_go >= 3);
    watch(NULL);
    assert_int_equal(space_unmap(space, PLACE, END), 0);
    assert_int_equal(grow(), 0);
}

/* Another thread can write to what it sees of it, there already or not. */
static void write_there(void)
{
    const struct region *r = region_find(space->regions, PLACE);
    if (!r)
        return;
    for (uint64_t va = r->start; va < r->end; va += 100 * HAL_PAGE_SIZE)
        write_byte(va, 7);
}

static void test_f1_growing_beside_a_writer(void **state)
{
    (void)state;
    watch(write_there);
    assert_int_equal(grow(), 0);
    assert_int_equal(byte(space, PLACE), 7);
    assert_int_equal(byte(space, END - 1), 0);
    assert_int_equal(space_resident(space), PAGES);
}

static struct thread *victim;

static void die_at_second(void)
{
    if (letting_go == 2)
        victim->machine.work |= HAL_WORK_KILLED;
}

static void test_f7_killed_while_growing(void **state)
{
    (void)state;
    victim = thread_current();
    watch(die_at_second);
    assert_int_equal(grow(), -ENOMEM);
    expect_nothing_there();
    thread_current()->machine.work = 0;
    watch(NULL);
    assert_int_equal(grow(), 0);
}

static void test_f7_killed_while_populating(void **state)
{
    (void)state;
    struct region region = region_of(PLACE, END);
    assert_int_equal(space_map(space, &region), 0);
    victim = thread_current();
    watch(die_at_second);
    assert_int_equal(space_populate(space, PLACE, END), -ENOMEM);
    assert_in_range(space_resident(space), 1, PAGES - 1);
}

/* Something is in the way, but not in that of the first piece. */
static void test_f1_growing_into_another(void **state)
{
    (void)state;
    uint64_t there = PLACE + 2 * MIB;
    struct region region = region_of(there, there + MIB);
    assert_int_equal(space_map(space, &region), 0);
    write_byte(there, 9);
    assert_int_equal(grow(), -EEXIST);
    assert_int_equal(byte(space, there), 9);
    assert_int_equal(space_resident(space), 1);
    assert_false(region_overlaps(space->regions, PLACE, there));
    region = region_of(PLACE, PLACE);
    assert_int_equal(space_map_now(space, &region), -EINVAL);
    region = region_of(PLACE + 1, END);
    assert_int_equal(space_map_now(space, &region), -EINVAL);
    region = region_of(PLACE, END - 1);
    assert_int_equal(space_map_now(space, &region), -EINVAL);
}

/* The first ones are nodes; then those of each piece, and at its borders. */
static void test_f1_growing_fails(void **state)
{
    (void)state;
    unsigned failed = 0;
    for (unsigned nth = 1; nth < PAGES + 10; nth += nth % 512 < 8 ? 1 : 25) {
        uint64_t before = page_unused_count();
        uint64_t count = page_failed_count();
        watch(write_there);
        page_fail_after(nth);
        int error = grow();
        page_fail_after(0);
        watch(NULL);
        if (page_failed_count() == count) {
            assert_int_equal(error, 0);
            break;
        }
        failed++;
        assert_int_equal(error, -ENOMEM);
        expect_nothing_there();
        assert_int_equal(mm_audit(), 0);
        /* The table of regions may have been copied; three nodes may stay. */
        assert_true(page_unused_count() >= before - 4);
    }
    assert_true(failed > 50);
}

/* ---- Dropping --------------------------------------------------------------
 */

static void test_f1_shrinking_lets_others_in(void **state)
{
    (void)state;
    struct region region = region_of(PLACE, PLACE + 200 * MIB);
    assert_int_equal(space_map(space, &region), 0);
    for (unsigned i = 0; i < 200; i++)
        write_byte(PLACE + i * MIB, i);
    watch(NULL);
    assert_int_equal(space_unmap(space, PLACE, PLACE + 200 * MIB), 0);
    assert_in_range(at_once, 1, 32 + 20);
    assert_true(letting_go >= 6);
    assert_int_equal(space_resident(space), 0);
    assert_false(region_overlaps(space->regions, 0, HAL_USER_TOP));
}

static uint64_t last_place;

/* A thread sees memory or nothing: regions and entries go together. */
static void look_on(void)
{
    uint8_t value = 1;
    if (region_find(space->regions, last_place))
        write_byte(last_place, value);
    assert_int_equal(mm_touch(PLACE, &value, 1, ACCESS_READ, NULL), FAULT_SEGV);
    assert_int_equal(mm_audit(), 0);
}

static void test_f1_shrinking_beside_a_thread(void **state)
{
    (void)state;
    struct region region = region_of(PLACE, PLACE + 200 * MIB);
    assert_int_equal(space_map(space, &region), 0);
    for (unsigned i = 0; i < 200; i++)
        write_byte(PLACE + i * MIB, i);
    last_place = PLACE + 199 * MIB;
    watch(look_on);
    assert_int_equal(space_unmap(space, PLACE, PLACE + 200 * MIB), 0);
    watch(NULL);
    assert_int_equal(space_resident(space), 0);
}

/* Nodes that a range covers whole are shared still: the pieces cut none. */
static void test_f1_shrinking_what_is_shared(void **state)
{
    (void)state;
    struct region region = region_of(5 * GIB, 9 * GIB);
    assert_int_equal(space_map(space, &region), 0);
    for (unsigned i = 0; i < 4 * 16; i++)
        write_byte(5 * GIB + i * 64 * MIB, i);
    struct space *child = space_fork(space, 9 * GIB, 9 * GIB);
    assert_non_null(child);
    assert_int_equal(
        space_unmap(space, 5 * GIB + HAL_PAGE_SIZE, 9 * GIB - HAL_PAGE_SIZE),
        0);
    assert_int_equal(space_resident(space), 1);
    assert_int_equal(byte(space, 5 * GIB), 0);
    for (unsigned i = 0; i < 4 * 16; i++)
        assert_int_equal(byte(child, 5 * GIB + i * 64 * MIB), i);
    assert_int_equal(mm_audit(), 0);
    space_destroy(child);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_f1_growing_lets_others_in),
        CASE(test_f1_growing_beside_a_writer),
        CASE(test_f7_killed_while_growing),
        CASE(test_f7_killed_while_populating),
        CASE(test_f1_growing_into_another),
        CASE(test_f1_growing_fails),
        CASE(test_f1_shrinking_lets_others_in),
        CASE(test_f1_shrinking_beside_a_thread),
        CASE(test_f1_shrinking_what_is_shared),
    };
    mm_boot(16ul << 20);
    mm_most_faults = 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
