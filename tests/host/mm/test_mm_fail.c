/*
 * Every allocation fails once. For each act of the memory system: make the
 * first allocation in it fail, then in the same situation the second, and so
 * on until it needs no more. Each time the caller is told, nobody's memory has
 * changed, the audit is clean, the act then succeeds after all, and at the end
 * no page is lost.
 */
/* sources: tests/host/mm/situation.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "mm/eager.h"
#include "host/mm/situation.h"

/* Who acts, after `prepare`; `act` gives whether it succeeded. */
struct scenario {
    const char *name;
    struct process *(*prepare)(void);
    bool (*act)(struct process *process, uint32_t nth);
    bool may_do_without; /* the failure need not be the act's */
};

/* ---- Acts
 * -------------------------------------------------------------------- */

static bool create(struct process *p, uint32_t nth)
{
    (void)p;
    return model_create(nth);
}

static bool fork_with(const char *policy, struct process *p, uint32_t nth)
{
    eager_set_policy(policy);
    struct process *child = model_fork(p, at(0, 4), at(0, 9), nth);
    eager_set_policy("share");
    return child;
}

static bool fork_shared(struct process *p, uint32_t nth)
{
    return fork_with("share", p, nth);
}

static bool fork_tables(struct process *p, uint32_t nth)
{
    return fork_with("tables", p, nth);
}

static bool fork_bytes(struct process *p, uint32_t nth)
{
    return fork_with("bytes", p, nth);
}

static bool read_page(struct process *p, uint32_t nth)
{
    return model_read(p, at(2, 8), 1, nth) == FAULT_SPURIOUS;
}

static bool write_page(struct process *p, uint32_t nth)
{
    return model_write(p, at(2, 8), 9, 5, nth) == FAULT_SPURIOUS;
}

static bool write_zero_page(struct process *p, uint32_t nth)
{
    return model_write(p, at(3, 9), 9, 5, nth) == FAULT_SPURIOUS;
}

static bool read_file(struct process *p, uint32_t nth)
{
    return model_read(p, at(1, 8), 1, nth) == FAULT_SPURIOUS;
}

static bool write_file(struct process *p, uint32_t nth)
{
    return model_write(p, at(1, 9), 9, 5, nth) == FAULT_SPURIOUS;
}

static bool populate(struct process *p, uint32_t nth)
{
    unsigned first = model_window(4) + 5;
    return model_populate(p, first, first + 6, nth) == 0;
}

static bool map_more(struct process *p, uint32_t nth)
{
    unsigned first = model_window(3);
    return model_map(p, first, first + 3, PROT_READ | PROT_EXECUTE, 7, nth) ==
           0;
}

static struct process *with_gap(struct process *p)
{
    unsigned first = model_window(3);
    model_unmap(p, first, first + 3, 0);
    return p;
}

static struct process *empty_gap(void)
{
    return with_gap(empty());
}

static struct process *shared_gap(void)
{
    return with_gap(shared());
}

static struct process *lazy_gap(void)
{
    return with_gap(lazy_copies());
}

static bool map_now(struct process *p, uint32_t nth)
{
    unsigned first = model_window(3);
    return model_map_now(p, first, first + 3, PROT_READ | PROT_WRITE, -1,
                         nth) == 0;
}

static bool unmap_some(struct process *p, uint32_t nth)
{
    unsigned first = model_window(0) + 3;
    return model_unmap(p, first, first + 2, nth) == 0;
}

static bool unmap_most(struct process *p, uint32_t nth)
{
    return model_unmap(p, model_window(0) + 3, model_window(4) + 9, nth) == 0;
}

static bool protect_some(struct process *p, uint32_t nth)
{
    unsigned first = model_window(3) + 3;
    return model_protect(p, first, first + 9, PROT_READ, nth) == 0;
}

static bool protect_wide(struct process *p, uint32_t nth)
{
    unsigned first = model_window(0) + 2;
    return model_protect(p, first, first + 5, PROT_READ | PROT_EXECUTE, nth) ==
           0;
}

static const struct scenario scenarios[] = {
    {"create", empty, create, false},
    {"fork", varied, fork_shared, true},
    {"fork of a sharer", linked, fork_shared, true},
    {"fork of a lazy copy", lazy_copies, fork_shared, true},
    {"fork of a sealed lazy copy", sealed_lazy_copy, fork_shared, true},
    {"fork=tables", varied, fork_tables, false},
    {"fork=bytes", varied, fork_bytes, false},
    {"fork=bytes of a sharer", linked, fork_bytes, false},
    {"fork=bytes of a lazy copy", lazy_copies, fork_bytes, false},
    {"read, nothing there", empty, read_page, false},
    {"write, nothing there", empty, write_page, false},
    {"write, shared", shared, write_page, false},
    {"write, linked", linked, write_page, false},
    {"write, lazy", lazy_copies, write_page, false},
    {"write, zero page", varied, write_zero_page, false},
    {"write, shared zero page", linked, write_zero_page, false},
    {"read, file", empty, read_file, false},
    {"write, file", empty, write_file, false},
    {"write, shared file", shared, write_file, false},
    {"map now", empty_gap, map_now, false},
    {"map now, shared", shared_gap, map_now, false},
    {"map now, lazy", lazy_gap, map_now, false},
    {"populate", empty, populate, false},
    {"populate, shared", shared, populate, false},
    {"map", many_regions, map_more, false},
    {"unmap, one node", linked, unmap_some, false},
    {"unmap, lazy", lazy_copies, unmap_some, false},
    {"unmap, many nodes", linked, unmap_most, false},
    {"unmap, many lazy copies", lazy_copies, unmap_most, false},
    {"protect", linked, protect_some, false},
    {"protect, lazy", lazy_copies, protect_wide, false},
};

/* ---- The test
 * ---------------------------------------------------------------- */

/* Whether there was an nth allocation to fail. */
static bool fail_nth(const struct scenario *s, uint32_t nth)
{
    uint64_t before = page_unused_count();
    struct process *p = s->prepare();
    model_log("%s: allocation %u fails", s->name, nth);
    bool done = s->act(p, nth), failed = model_failed_one();
    if (failed && done && !s->may_do_without)
        mm_fail("%s: allocation %u failed, and nobody was told", s->name, nth);
    if (!failed && !done)
        mm_fail("%s: no allocation failed, but the act did", s->name);
    model_check_all();
    if (!done && !s->act(p, 0))
        mm_fail("%s: fails even with memory", s->name);
    model_check_all();
    all_exit();
    model_check_all();
    if (page_unused_count() != before)
        mm_fail("%s: allocation %u failed, and pages are lost", s->name, nth);
    return failed;
}

static void test_every_allocation(void **unused)
{
    (void)unused;
    unsigned total = 0;
    for (unsigned i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        uint32_t nth = 1;
        while (fail_nth(&scenarios[i], nth))
            nth++;
        fprintf(stderr, "fail: %s: %u allocations\n", scenarios[i].name,
                nth - 1);
        total += nth - 1;
        assert_true(nth > 1);
    }
    fprintf(stderr, "fail: %u allocations in %u scenarios\n", total,
            (unsigned)(sizeof scenarios / sizeof *scenarios));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_allocation)};
    model_init(16ul << 20);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
