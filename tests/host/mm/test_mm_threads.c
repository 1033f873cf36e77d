/*
 * Harts that race: threads of the host under ThreadSanitizer, on spaces that
 * share their tree.
 *
 * Two harts run an ancestor and write to its pages, each to every second one
 * and in order, round after round. The others fork it all the time. A child
 * must see its parent as it was at one moment, so with the pages in order, and
 * must go on seeing that; what it writes only it sees. ROUNDS in the
 * environment sets how long, SEED what they do.
 */
/* sources: tests/host/mm/hal.c */
/* sanitize: thread */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "host/mm/hal.h"
#include "host/lib/seed.h"

#define PAGES   40
#define WRITERS 2
#define APART   12
#define BASE    (0x40000000ul - PAGES / 2 * APART * HAL_PAGE_SIZE)
#define SCRATCH 0x2000000ul

static struct space *ancestor;
static _Atomic bool stop;
static unsigned long rounds;

struct worker {
    pthread_t thread;
    unsigned hart;
    uint64_t random;
};

static unsigned below(struct worker *w, unsigned limit)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (w->random >> 16) % limit;
}

/* Pages lie far apart, so that nodes are wide and are copied lazily; the last
 * ones have a node each. */
static uint64_t address(unsigned page)
{
    uint64_t apart = page * APART * HAL_PAGE_SIZE;
    return BASE + apart + (page >= 30 ? (uint64_t)(page - 29) << 22 : 0);
}

static void put(unsigned page, uint64_t value)
{
    enum fault fault =
        mm_touch(address(page), &value, sizeof value, ACCESS_WRITE, NULL);
    if (fault != FAULT_SPURIOUS)
        mm_fail("write to page %u: fault %d", page, fault);
}

static uint64_t get(unsigned page)
{
    uint64_t value = 0;
    enum fault fault =
        mm_touch(address(page), &value, sizeof value, ACCESS_READ, NULL);
    if (fault != FAULT_SPURIOUS)
        mm_fail("read of page %u: fault %d", page, fault);
    return value;
}

static void expect(unsigned page, uint64_t value)
{
    uint64_t got = get(page);
    if (got != value)
        mm_fail("page %u is %lu, but should be %lu", page, got, value);
}

/* ---- The ancestor -----------------------------------------------------------
 */

/* A page that one hart makes and drops, and the other looks at: if it is
 * there, it has zeros or what was written to it. */
static void remake_scratch(uint64_t n)
{
    struct region region = {.start = SCRATCH,
                            .end = SCRATCH + HAL_PAGE_SIZE,
                            .prot = PROT_READ | PROT_WRITE};
    if (space_unmap(ancestor, region.start, region.end) ||
        space_map(ancestor, &region))
        mm_fail("no memory to map");
    if (n % 2)
        mm_touch(SCRATCH, &n, sizeof n, ACCESS_WRITE, NULL);
}

static void look_at_scratch(void)
{
    uint64_t value = 0;
    for (int i = 0; i < 20 && !value; i++)
        mm_touch(SCRATCH + 8, &value, sizeof value, ACCESS_READ, NULL);
    if (value)
        mm_fail("scratch page has %lx", value);
}

static void *write_ancestor(void *argument)
{
    struct worker *w = argument;
    mm_on_hart(w->hart);
    space_enter(ancestor);
    for (uint64_t n = 1; !stop; n++)
        for (unsigned page = w->hart; page < PAGES; page += WRITERS) {
            expect(page, n - 1);
            put(page, n);
            if (w->hart)
                look_at_scratch();
            else
                remake_scratch(n);
        }
    space_enter(NULL);
    return NULL;
}

/* ---- Its children -----------------------------------------------------------
 */

/* What the space has, which was forked from the ancestor just now: pages of
 * one writer in order. */
static void take_view(uint64_t seen[PAGES])
{
    for (unsigned page = 0; page < PAGES; page++)
        seen[page] = get(page);
    for (unsigned page = WRITERS; page < PAGES; page++) {
        uint64_t before = seen[page - WRITERS];
        if (seen[page] > before || seen[page] + 1 < before)
            mm_fail("page %u is %lu and page %u before it %lu", page,
                    seen[page], page - WRITERS, before);
    }
}

static void change(struct worker *w, uint64_t seen[PAGES], unsigned count)
{
    while (count--) {
        unsigned page = below(w, PAGES);
        if (below(w, 2)) {
            seen[page] = (uint64_t)w->hart << 56 | w->random >> 8;
            put(page, seen[page]);
        } else {
            expect(page, seen[page]);
        }
    }
}

static void check_view(const uint64_t seen[PAGES])
{
    for (unsigned page = 0; page < PAGES; page++)
        expect(page, seen[page]);
}

static struct space *fork_of(struct worker *w, struct space *parent)
{
    struct space *child =
        space_fork(parent, address(below(w, PAGES)), address(below(w, PAGES)));
    if (!child)
        mm_fail("no memory to fork");
    return child;
}

/* A grandchild changes what its parent has; sometimes the parent dies first. */
static struct space *with_grandchild(struct worker *w, struct space *space,
                                     uint64_t seen[PAGES])
{
    uint64_t also_seen[PAGES];
    memcpy(also_seen, seen, sizeof also_seen);
    struct space *child = fork_of(w, space);
    change(w, seen, 4);
    space_enter(child);
    change(w, also_seen, 6);
    check_view(also_seen);
    if (below(w, 3) == 0) {
        space_destroy(space);
        memcpy(seen, also_seen, sizeof also_seen);
        return child;
    }
    space_enter(space);
    space_destroy(child);
    return space;
}

static void drop_some(struct worker *w, struct space *space)
{
    unsigned page = below(w, PAGES);
    uint64_t start = address(page);
    if (space_unmap(space, start, start + 3 * HAL_PAGE_SIZE))
        mm_fail("no memory to unmap");
    uint64_t value;
    if (mm_touch(start, &value, 1, ACCESS_READ, NULL) != FAULT_SEGV)
        mm_fail("page %u is there though dropped", page);
}

static void *fork_ancestor(void *argument)
{
    struct worker *w = argument;
    uint64_t seen[PAGES];
    mm_on_hart(w->hart);
    for (unsigned long i = 0; i < rounds; i++) {
        struct space *space = fork_of(w, ancestor);
        space_enter(space);
        take_view(seen);
        change(w, seen, 5);
        for (unsigned j = below(w, 4); j-- > 0;)
            space = with_grandchild(w, space, seen);
        check_view(seen);
        if (below(w, 3) == 0)
            drop_some(w, space);
        space_enter(NULL);
        space_destroy(space);
    }
    return NULL;
}

/* ---- The test ---------------------------------------------------------------
 */

static void make_ancestor(void)
{
    struct region region = {
        .start = BASE, .end = address(PAGES), .prot = PROT_READ | PROT_WRITE};
    ancestor = space_create();
    assert_non_null(ancestor);
    assert_int_equal(space_map(ancestor, &region), 0);
}

static void start(struct worker *w, unsigned hart)
{
    w->hart = hart;
    w->random = (hart + 8ul * test_seed(0)) * 0x9e3779b97f4a7c15ul +
                88172645463325252ul;
    assert_int_equal(
        pthread_create(&w->thread, NULL,
                       hart < WRITERS ? write_ancestor : fork_ancestor, w),
        0);
}

static void test_race(void **unused)
{
    (void)unused;
    struct worker workers[MM_HARTS];
    rounds = test_number("ROUNDS", 1000);
    uint64_t before = page_unused_count();
    make_ancestor();
    for (unsigned i = 0; i < MM_HARTS; i++)
        start(&workers[i], i);
    for (unsigned i = WRITERS; i < MM_HARTS; i++)
        pthread_join(workers[i].thread, NULL);
    atomic_store(&stop, true);
    for (unsigned i = 0; i < WRITERS; i++)
        pthread_join(workers[i].thread, NULL);
    assert_int_equal(mm_stale_entries(), 0);
    assert_int_equal(mm_audit(), 0);
    space_destroy(ancestor);
    assert_int_equal(mm_audit(), 0);
    assert_int_equal(page_unused_count(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_race)};
    mm_most_faults = 1000000;
    mm_boot(16ul << 20);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
