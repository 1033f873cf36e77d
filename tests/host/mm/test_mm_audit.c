/*
 * Does the audit see? Each case damages one thing in a healthy system and asks
 * for the sentence that tells it, in a process of its own that then ends.
 */
/* sources: tests/host/mm/situation.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/errno.h"
#include "lib/text.h"
#include "mm/audit.h"
#include "mm/pt_node.h"
#include "host/mm/situation.h"

static char buffer[16 << 10];

/* ---- Harts that stand -------------------------------------------------------
 */

static bool standing;
static unsigned stops;
static uint64_t stood_at, stood, ran_since, ran;

void hal_harts_freeze(bool for_ever)
{
    (void)for_ever;
    assert_false(standing);
    standing = true;
    stops++;
    stood_at = hal_time();
    ran = stood_at - ran_since;
}

void hal_harts_thaw(void)
{
    assert_true(standing);
    standing = false;
    ran_since = hal_time();
    stood = ran_since - stood_at;
}

static int audited(size_t capacity)
{
    struct text text;
    text_init(&text, buffer, capacity);
    return audit(&text);
}

/* The entry of `level` for `va`, which no lazy copy is on the way to. */
static pte_t *entry(struct process *p, uint64_t va, unsigned level)
{
    struct page *node = p->space->root;
    for (unsigned i = PT_ROOT_LEVEL; i > level; i--)
        node = pte_page(pt_slots(node)[pt_slot(va, i)]);
    return &pt_slots(node)[pt_slot(va, level)];
}

static struct page *behind(struct process *p, uint64_t va, unsigned level)
{
    return pte_page(*entry(p, va, level));
}

/* Of varied(): a page that was written, and one that was only read. */
#define WRITTEN at(0, 1)
#define READ    at(0, 0)

/* ---- Damages ----------------------------------------------------------------
 */

static void uncounted(void)
{
    struct process *p = varied();
    uint64_t other = page_physical(behind(p, WRITTEN, 0));
    *entry(p, READ, 0) = pte_leaf_uncounted(other, false);
}

static void not_of_processes(void)
{
    behind(varied(), WRITTEN, 0)->kind = PAGE_STACK;
}

static void no_region(void)
{
    region_remove(varied()->space->regions, 0, HAL_USER_TOP);
}

static void sealed_with_leaf(void)
{
    behind(varied(), WRITTEN, 1)->sealed = true;
}

static void counted_twice(void)
{
    page_get(behind(varied(), WRITTEN, 0));
}

static void region_forbids(void)
{
    struct process *p = varied();
    assert_int_equal(region_list_unshare(&p->space->regions, 2), 0);
    region_protect(p->space->regions, at(0, 0), at(0, 3), PROT_READ);
}

static void no_node(void)
{
    behind(varied(), WRITTEN, 1)->kind = PAGE_KERNEL;
}

static void wrong_level(void)
{
    behind(varied(), WRITTEN, 1)->level = 7;
}

static void owned_but_shared(void)
{
    page_get(behind(varied(), WRITTEN, 1));
}

static void owned_but_sealed(void)
{
    behind(varied(), WRITTEN, 2)->sealed = true;
}

static void linked_unsealed(void)
{
    behind(linked(), at(2, 9), 1)->sealed = false;
}

static struct page *lazy_copy(void)
{
    struct page *node = lazy_copies()->space->root;
    while (!node->table.source)
        node = pte_page(pt_slots(node)[0]);
    return node;
}

static void source_is_no_node(void)
{
    node_source(lazy_copy())->kind = PAGE_KERNEL;
}

static void source_is_lazy_copy(void)
{
    struct page *node = lazy_copy();
    node_source(node)->table.source = node->table.source;
}

static void below_range(void)
{
    behind(varied(), WRITTEN, 1)->table.low = PT_SLOTS - 1;
}

static void above_range(void)
{
    behind(varied(), at(1, 15), 1)->table.high = 0;
}

static void kernel_shared(void)
{
    page_get(page_alloc(PAGE_STACK));
}

static void kernel_mapped(void)
{
    behind(varied(), WRITTEN, 0)->kind = PAGE_KERNEL;
}

static void one_too_many(void)
{
    page_get(behind(varied(), at(1, 0), 0));
}

static void count_of_free(void)
{
    page_alloc(PAGE_KERNEL)->kind = PAGE_HART_CACHED;
}

/* ---- What is told -----------------------------------------------------------
 */

static const struct {
    const char *name;
    void (*damage)(void);
    const char *told;
} cases[] = {
    {"uncounted", uncounted, "uncounted leaf is not the read-only zero page"},
    {"kind of page", not_of_processes,
     "mapped by a process, but not memory of one"},
    {"no region", no_region, "mapped where no region is"},
    {"sealed leaf", sealed_with_leaf, "sealed node has a writable leaf"},
    {"counted twice", counted_twice, "writable by one, but counted by several"},
    {"region forbids", region_forbids, "writable where its region is not"},
    {"no node", no_node, "edge to what is no node of the level below"},
    {"wrong level", wrong_level, "edge to what is no node of the level below"},
    {"owned, shared", owned_but_shared, "owned, but shared or sealed"},
    {"owned, sealed", owned_but_sealed, "owned, but shared or sealed"},
    {"owner sealed", owned_but_sealed, "sealed node owns a child"},
    {"linked", linked_unsealed, "linked, but not sealed"},
    {"source", source_is_no_node,
     "source of a lazy copy, but no node fit for that"},
    {"source is a lazy copy", source_is_lazy_copy,
     "source of a lazy copy, but no node fit for that"},
    {"below", below_range, "slot in use outside the used range"},
    {"above", above_range, "slot in use outside the used range"},
    {"kernel shared", kernel_shared, "count 2, but 0 edges"},
    {"kernel mapped", kernel_mapped, "count 1, but 1 edges"},
    {"count", one_too_many, "count 3, but 2 edges and holders"},
    {"free", count_of_free, "pages are free, the allocator counts"},
};

static void try_case(unsigned i)
{
    mm_set_epitaph(NULL);
    cases[i].damage();
    if (!audited(sizeof buffer) || strstr(buffer, "audit: clean") ||
        !strstr(buffer, cases[i].told)) {
        fprintf(stderr, "%s is not told, but:\n%s", cases[i].name, buffer);
        exit(1);
    }
    exit(0);
}

static void test_damages(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        int status;
        fflush(NULL);
        pid_t child = fork();
        if (!child)
            try_case(i);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
}

static unsigned lines_told(void)
{
    unsigned count = 0;
    for (const char *p = buffer; (p = strchr(p, '\n')); p++)
        count++;
    return count;
}

/* All are counted, and the first ones told. */
static void test_many(void **unused)
{
    (void)unused;
    char verdict[40];
    struct process *p = varied();
    /* Pages 0, 3, ... have only been read, so that the zero page is there:
     * but for the file's. */
    unsigned pages = 10 * (WINDOWS - 1) + WINDOW_PAGES;
    struct region_list *regions = p->space->regions;
    p->space->regions = region_list_create(1);
    assert_int_equal(audited(sizeof buffer), pages);
    snprintf(verdict, sizeof verdict, "audit: %u differences\n", pages);
    assert_ptr_equal(strstr(buffer, verdict), buffer);
    assert_int_equal(lines_told(), 1 + 50);
    region_list_put(p->space->regions);
    p->space->regions = regions;
    assert_int_equal(audited(sizeof buffer), 0);
    all_exit();
}

static void test_no_room(void **unused)
{
    (void)unused;
    struct text text;
    text_init(&text, buffer, 40);
    assert_int_equal(audit(&text), 0);
    assert_true(text.truncated);
    text_init(&text, buffer, sizeof buffer);
    audit_at_panic(&text);
    assert_string_equal(buffer, "audit: clean\n");
}

/* ---- Beside others ----------------------------------------------------------
 */

/* Hart 1 is stopped while it changes p. */
static void stop_while_changing(struct process *p)
{
    mm_on_hart(1);
    mutex_lock(&p->space->lock);
    mm_on_hart(0);
}

static void go_on(struct process *p)
{
    mm_on_hart(1);
    mutex_unlock(&p->space->lock);
    mm_on_hart(0);
}

static void expect_changing(struct process *p)
{
    char line[80];
    snprintf(line, sizeof line, "being changed: root %lx\n",
             page_physical(p->space->root) >> HAL_PAGE_SHIFT);
    assert_non_null(strstr(buffer, line));
}

/* The audit waits for nobody, and so nobody waits for it. */
static void test_f1_audit_beside_a_locked_space(void **unused)
{
    (void)unused;
    struct process *p = varied();
    stop_while_changing(p);
    stops = 0;
    assert_int_equal(audited(sizeof buffer), 0);
    assert_ptr_equal(strstr(buffer, "audit: clean\n"), buffer);
    expect_changing(p);
    assert_false(standing);
    assert_true(stops > 1);
    go_on(p);
    stops = 0;
    assert_int_equal(audited(sizeof buffer), 0);
    assert_string_equal(buffer, "audit: clean\n");
    assert_int_equal(stops, 1);
    all_exit();
}

/* Who is stopped may have one reference more in its hands, and not one less;
 * what others have is looked at as closely as ever. */
static void test_f1_counts_beside_a_locked_space(void **unused)
{
    (void)unused;
    struct process *p = varied(), *other = varied();
    struct page *page = behind(p, at(1, 0), 0);
    stop_while_changing(p);
    page_get(page);
    assert_int_equal(audited(sizeof buffer), 0);
    page_put(page);
    atomic_fetch_sub(&page->count, 1);
    assert_int_equal(audited(sizeof buffer), 1);
    assert_non_null(strstr(buffer, "edges and holders"));
    expect_changing(p);
    page_get(page);
    behind(other, WRITTEN, 2)->sealed = true;
    assert_true(audited(sizeof buffer) > 0);
    assert_non_null(strstr(buffer, "owned, but shared or sealed"));
    behind(other, WRITTEN, 2)->sealed = false;
    go_on(p);
    assert_int_equal(audited(sizeof buffer), 0);
    all_exit();
}

/* A space that is being made or unmade is in the list, and nobody has it. */
static void test_f1_audit_beside_a_dying_space(void **unused)
{
    (void)unused;
    struct process *p = varied();
    struct page *root = p->space->root;
    atomic_store(&p->space->count, 0);
    p->space->root = NULL;
    assert_int_equal(audited(sizeof buffer), 0);
    assert_non_null(strstr(buffer, "being changed: root "));
    p->space->root = root;
    atomic_store(&p->space->count, 1);
    assert_int_equal(audited(sizeof buffer), 0);
    all_exit();
}

static void test_f1_killed_auditor(void **unused)
{
    (void)unused;
    struct process *p = varied();
    stop_while_changing(p);
    thread_current()->machine.work |= HAL_WORK_KILLED;
    assert_int_equal(audited(sizeof buffer), -EINTR);
    assert_false(standing);
    thread_current()->machine.work = 0;
    go_on(p);
    assert_int_equal(audited(sizeof buffer), 0);
    all_exit();
}

/* Who audits in a loop leaves the machine to others most of the time. */
static void test_f1_audits_in_a_loop(void **unused)
{
    (void)unused;
    varied();
    for (unsigned i = 0; i < 5; i++) {
        uint64_t before = stood;
        assert_int_equal(audited(sizeof buffer), 0);
        assert_true(i == 0 || ran >= 2 * before);
    }
    all_exit();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damages),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_f1_audit_beside_a_locked_space),
        cmocka_unit_test(test_f1_counts_beside_a_locked_space),
        cmocka_unit_test(test_f1_audit_beside_a_dying_space),
        cmocka_unit_test(test_f1_killed_auditor),
        cmocka_unit_test(test_f1_audits_in_a_loop),
    };
    model_init(8ul << 20);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
