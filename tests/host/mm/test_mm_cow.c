/*
 * Copy-on-write, one case after another: the ways in which it is known to go
 * wrong, each made to happen on purpose against the model. The numbers are
 * those of docs/BUGS.md.
 */
/* sources: tests/host/mm/model.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/errno.h"
#include "mm/eager.h"
#include "mm/pt.h"
#include "mm/stats.h"
#include "host/mm/model.h"

#define RW (PROT_READ | PROT_WRITE)
#define RX (PROT_READ | PROT_EXECUTE)

#define GIB (1ul << 30)

static uint64_t frames_before;
static struct page *taken[4096];
static unsigned taken_count;

/* An address in page `page` of a window; windows 3 and 4 lie in neighbouring
 * nodes of level 0, and page 8 of a window is the first of the next node. */
static uint64_t at(unsigned window, unsigned page)
{
    return model_address(model_window(window) + page);
}

static void map(struct process *p, unsigned window, uint8_t prot, int file)
{
    unsigned first = model_window(window);
    assert_int_equal(model_map(p, first, first + WINDOW_PAGES, prot, file, 0),
                     0);
}

static struct process *fork_of(struct process *p)
{
    return model_fork(p, at(5, 0), at(5, 1), 0);
}

static void write_all(struct process *p, unsigned window, uint8_t fill)
{
    assert_int_equal(
        model_write(p, at(window, 0), WINDOW_PAGES * HAL_PAGE_SIZE, fill, 0),
        FAULT_SPURIOUS);
}

static void read_all(struct process *p, unsigned window)
{
    assert_int_equal(
        model_read(p, at(window, 0), WINDOW_PAGES * HAL_PAGE_SIZE, 0),
        FAULT_SPURIOUS);
}

static void write_one(struct process *p, uint64_t va, uint8_t fill)
{
    assert_int_equal(model_write(p, va, 1, fill, 0), FAULT_SPURIOUS);
}

static void read_one(struct process *p, uint64_t va)
{
    assert_int_equal(model_read(p, va, 1, 0), FAULT_SPURIOUS);
}

static void take_memory(unsigned left)
{
    while ((taken[taken_count] = page_alloc(PAGE_KERNEL)))
        taken_count++;
    while (left--)
        page_put(taken[--taken_count]);
}

static void give_back(void)
{
    while (taken_count)
        page_put(taken[--taken_count]);
}

/* A process with one window written and another only mapped. */
static struct process *typical(void)
{
    struct process *p = model_create(0);
    map(p, 3, RW, -1);
    map(p, 4, RW, -1);
    write_all(p, 3, 1);
    write_all(p, 4, 2);
    return p;
}

static int begin(void **unused)
{
    (void)unused;
    frames_before = page_unused_count();
    return 0;
}

static int finish(void **unused)
{
    (void)unused;
    give_back();
    model_check_all();
    for (int i = 0; i < PROCESSES; i++)
        if (processes[i].space)
            model_exit(&processes[i]);
    model_check_all();
    mm_on_hart(0);
    return page_unused_count() != frames_before;
}

/* ---- Sharing ---------------------------------------------------------------
 */

static void test_fork_copies_nothing(void **unused)
{
    (void)unused;
    struct process *p = typical();
    uint64_t before = page_unused_count();
    fork_of(p);
    /* A root, a space's structure, and nothing else. */
    assert_in_range(before - page_unused_count(), 1, 2);
    model_check_all();
}

static void test_reading_allocates_nothing(void **unused)
{
    (void)unused;
    struct process *p = typical(), *child = fork_of(p);
    uint64_t before = page_unused_count();
    read_all(child, 3);
    read_all(p, 3);
    read_all(p, 4);
    assert_int_equal(page_unused_count(), before);
    model_check_all();
}

/* Rows 2 and 3: what is shared again is counted again. */
static void test_chain_of_forks(void **unused)
{
    (void)unused;
    struct process *p = typical();
    map(p, 0, RX, 0);
    read_all(p, 0);
    struct process *child = fork_of(p), *grandchild = fork_of(child);
    write_all(grandchild, 3, 9);
    model_check_all();
    write_one(child, at(3, 0), 7);
    model_check_all();
    model_exit(child);
    read_all(p, 3);
    read_all(grandchild, 0);
    model_exit(p);
    write_all(grandchild, 4, 1);
}

/* Row 20: the survivor claims a node the other side has copied. */
static void test_survivor_of_a_copied_node(void **unused)
{
    (void)unused;
    struct process *p = typical(), *child = fork_of(p);
    write_one(child, at(3, 2), 0x55);
    write_all(p, 3, 0x77);
    read_all(child, 3);
    model_check_all();
}

/* A node that was linked while it was shared, and whose sharer has gone, is
 * claimed before anything below it is. */
static void test_linked_node_outlives_its_sharer(void **unused)
{
    (void)unused;
    struct process *p = typical(), *child = fork_of(p);
    read_one(child, at(3, 0));
    read_one(p, at(3, 0));
    model_exit(child);
    read_one(p, at(4, 15));
    write_one(p, at(4, 15), 1);
    child = fork_of(p);
    read_one(child, at(3, 0));
    read_one(child, at(4, 15));
    read_one(p, at(4, 15));
    write_one(p, at(4, 15), 0x99);
    read_one(child, at(4, 15));
    model_check_all();
}

/* A read claims its way to an empty slot, and fills it, in one fault. */
static void test_hole_in_a_claimed_node(void **unused)
{
    (void)unused;
    struct process *p = model_create(0);
    map(p, 3, RW, -1);
    write_one(p, at(3, 0), 1);
    model_exit(fork_of(p));
    read_one(p, at(3, 2));
    write_one(p, at(3, 4), 1);
}

/* Row 1: what may not be written does not become writable by sharing it. */
static void test_read_only_stays_read_only(void **unused)
{
    (void)unused;
    struct process *p = model_create(0);
    map(p, 0, RX, 0);
    map(p, 1, PROT_READ, 3);
    read_all(p, 0);
    struct process *child = fork_of(p);
    for (unsigned w = 0; w < 2; w++) {
        assert_int_equal(model_write(child, at(w, 0), 1, 1, 0), FAULT_SEGV);
        assert_int_equal(model_write(p, at(w, 9), 1, 1, 0), FAULT_SEGV);
    }
    model_exit(child);
    assert_int_equal(model_write(p, at(0, 0), 1, 1, 0), FAULT_SEGV);
}

/* Rows 4 to 6: the kernel's copies into shared pages. */
static void test_kernel_copies(void **unused)
{
    (void)unused;
    struct process *p = typical(), *child = fork_of(p);
    assert_int_equal(model_copy_out(child, at(3, 0) + 100, 3 * 4096, 5), 0);
    assert_int_equal(model_copy_in(p, at(3, 0), 5 * 4096), 0);
    model_check_all();
    take_memory(0);
    model_low = true;
    assert_int_not_equal(model_copy_out(p, at(4, 0), 64, 5), 0);
    model_low = false;
    give_back();
    model_check_all();
}

/* ---- Counts and memory ------------------------------------------------------
 */

/* Row 8: who is alone with a page needs no memory to write to it. */
static void test_sole_owner_writes_without_memory(void **unused)
{
    (void)unused;
    struct process *p = typical(), *child = fork_of(p);
    read_all(p, 3);
    model_exit(child);
    take_memory(0);
    write_all(p, 3, 0x21);
    write_all(p, 4, 0x22);
}

/* Row 12: no memory for a copy is an answer, not an end. */
static void test_fault_without_memory(void **unused)
{
    (void)unused;
    struct process *p = typical(), *child = fork_of(p);
    take_memory(0);
    model_low = true;
    assert_int_equal(model_write(child, at(3, 0), 1, 1, 0), FAULT_NOMEM);
    model_low = false;
    give_back();
    write_one(child, at(3, 0), 1);
    read_one(p, at(3, 0));
}

/* Row 17: more edges to one page than 16 bits can count. */
static void test_seventy_thousand_edges(void **unused)
{
    (void)unused;
    struct page *page;
    enum { EDGES = 70000 };
    struct process *p = model_create(0);
    assert_int_equal(model_map(p, model_window(2) + WINDOW_PAGES,
                               model_window(3), PROT_READ, 0, 0),
                     0);
    const struct region *r =
        region_find(p->space->regions, at(2, 15) + HAL_PAGE_SIZE);
    assert_non_null(r);
    space_enter(p->space);
    assert_int_equal(model_file.ops->page(&model_file, 0, &page), 0);
    uint32_t before = page_count(page);
    for (uint64_t i = 0; i < EDGES; i++) {
        uint64_t va = r->start + i * HAL_PAGE_SIZE;
        pte_t *slot = pt_unshare(&p->space->machine, p->space->root, va);
        assert_non_null(slot);
        page_get(page);
        pt_fill(slot, pte_leaf(page_physical(page), false, false));
    }
    assert_int_equal(page_count(page), before + EDGES);
    page_put(page);
    assert_int_equal(mm_audit(), 0);
    struct process *child = fork_of(p);
    assert_int_equal(mm_audit(), 0);
    model_exit(p);
    assert_int_equal(page_count(page), before - 1 + EDGES);
    model_exit(child);
    assert_int_equal(page_count(page), before - 1);
}

/* Row 27: the zero page, read a great many times. */
static void test_zero_page(void **unused)
{
    (void)unused;
    struct process *p = model_create(0);
    map(p, 3, RW, -1);
    uint32_t before = page_count(pt_zero_page);
    for (int i = 0; i < 1000; i++) {
        struct process *child = fork_of(p);
        read_all(child, 3);
        model_exit(child);
    }
    read_all(p, 3);
    assert_int_equal(page_count(pt_zero_page), before);
    write_all(p, 3, 3);
}

/* ---- Regions ----------------------------------------------------------------
 */

/* Row 15: neighbours stay. */
static void test_unmap(void **unused)
{
    (void)unused;
    struct process *p = typical(), *child = fork_of(p);
    unsigned w = model_window(3);
    assert_int_equal(model_unmap(child, w + 3, w + 4, 0), 0);
    model_check_all();
    assert_int_equal(model_unmap(child, w + 4, w + 8, 0), 0);
    assert_int_equal(model_unmap(child, w, model_window(4) + 9, 0), 0);
    read_all(p, 3);
    read_all(p, 4);
    model_check_all();
}

/* A node that a range covers whole is not made one's own to be dropped. */
static void test_unmap_of_whole_nodes(void **unused)
{
    (void)unused;
    struct process *p = typical(), *child = fork_of(p);
    unsigned w = model_window(3);
    /* The list of regions and the node above are the child's from now on. */
    assert_int_equal(model_unmap(child, w, w + 1, 0), 0);
    take_memory(0);
    assert_int_equal(model_unmap(child, w + 8, model_window(4) + 8, 0), 0);
    give_back();
    read_all(p, 3);
    read_all(p, 4);
}

/* More pages of one node than are given up at a time; and what no populating
 * can bring. */
static void test_many_pages_of_a_node(void **unused)
{
    (void)unused;
    enum { PAGES = 200 };
    struct process *p = model_create(0);
    struct region r = {.start = 4 * GIB, .prot = RW};
    r.end = r.start + PAGES * HAL_PAGE_SIZE;
    assert_int_equal(space_map(p->space, &r), 0);
    assert_int_equal(space_populate(p->space, r.start, r.end), 0);
    struct process *child = fork_of(p);
    uint64_t before = page_unused_count();
    assert_int_equal(space_unmap(child->space, r.start + HAL_PAGE_SIZE, r.end),
                     0);
    assert_int_equal(space_resident(p->space), PAGES);
    assert_int_equal(space_resident(child->space), 1);
    assert_int_equal(space_unmap(p->space, r.start + HAL_PAGE_SIZE, r.end), 0);
    assert_true(page_unused_count() > before + PAGES - 10);
    assert_int_equal(mm_audit(), 0);
}

static void test_populate_beyond_a_file(void **unused)
{
    (void)unused;
    struct process *p = model_create(0);
    map(p, 3, PROT_READ, FILE_PAGES - 4);
    uint64_t end = at(3, 15);
    assert_int_equal(space_populate(p->space, at(3, 0), at(3, 4)), 0);
    assert_int_equal(space_populate(p->space, at(3, 0), end), -EIO);
    assert_int_equal(space_resident(p->space), 4);
    read_one(p, at(3, 3));
}

static void test_bad_arguments(void **unused)
{
    (void)unused;
    struct process *p = typical();
    struct region r = {.start = GIB, .end = GIB + HAL_PAGE_SIZE, .prot = RW};
    r.prot = PROT_WRITE;
    assert_int_equal(space_map(p->space, &r), -EINVAL);
    r.prot = RW;
    r.offset = 1;
    assert_int_equal(space_map(p->space, &r), -EINVAL);
    r.offset = 0;
    r.start++;
    assert_int_equal(space_map(p->space, &r), -EINVAL);
    assert_int_equal(space_protect(p->space, at(3, 0), at(3, 0), RW), -EINVAL);
    assert_int_equal(space_protect(p->space, at(3, 0), at(3, 1), 0), -EINVAL);
    assert_false(eager_set_policy("later"));
    assert_int_equal(eager_policy(), FORK_SHARE);
}

/* Row 23: protection takes back a copy that is still to be made. */
static void test_protect_revokes(void **unused)
{
    (void)unused;
    struct process *p = typical(), *child = fork_of(p);
    unsigned w = model_window(3);
    assert_int_equal(model_protect(child, w, w + 4, PROT_READ, 0), 0);
    assert_int_equal(model_write(child, at(3, 1), 1, 1, 0), FAULT_SEGV);
    write_all(p, 3, 4);
    assert_int_equal(model_protect(child, w, w + 4, RW, 0), 0);
    write_all(child, 3, 5);
    model_check_all();
}

/* The same of a lazy copy. */
static void test_protect_of_lazy_copies(void **unused)
{
    (void)unused;
    struct process *p = model_create(0);
    map(p, 0, RW, -1);
    map(p, 1, RW, -1);
    write_all(p, 0, 1);
    write_all(p, 1, 2);
    struct process *child = model_fork(p, at(0, 3), at(0, 4), 0);
    unsigned w = model_window(1);
    assert_int_equal(model_protect(child, w, w + 16, PROT_READ, 0), 0);
    assert_int_equal(model_protect(p, w, w + 16, PROT_READ, 0), 0);
    model_exit(p);
    read_all(child, 1);
    assert_int_equal(model_write(child, at(1, 2), 1, 1, 0), FAULT_SEGV);
    model_check_all();
}

/* Row 21: the child's first act is not a write. */
static void test_first_touch_of_a_lazy_node(void **unused)
{
    (void)unused;
    struct process *p = model_create(0);
    unsigned w = model_window(3);
    assert_int_equal(model_map(p, w, w + 4, RW, -1, 0), 0);
    assert_int_equal(model_write(p, at(3, 0), 4 * 4096, 8, 0), FAULT_SPURIOUS);
    struct process *child = fork_of(p);
    assert_int_equal(model_map(child, w + 4, w + 8, RW, -1, 0), 0);
    assert_int_equal(model_populate(child, w + 4, w + 8, 0), 0);
    assert_int_equal(model_read(child, at(3, 0), 8 * 4096, 0), FAULT_SPURIOUS);
    model_check_all();
    write_one(p, at(3, 1), 3);
}

/* ---- Other harts ------------------------------------------------------------
 */

/* Row 18: what another hart cached before fork is forgotten by it. */
static void test_fork_flushes_other_harts(void **unused)
{
    (void)unused;
    struct process *p = typical();
    mm_on_hart(1);
    write_one(p, at(3, 0), 1);
    mm_on_hart(0);
    struct process *child = fork_of(p);
    mm_on_hart(1);
    write_one(p, at(3, 0), 0x31);
    mm_on_hart(0);
    read_one(child, at(3, 0));
}

/* Row 19: and so is the page a copy has replaced. */
static void test_copy_flushes_other_harts(void **unused)
{
    (void)unused;
    struct process *p = typical();
    fork_of(p);
    mm_on_hart(1);
    read_one(p, at(3, 0));
    mm_on_hart(0);
    write_one(p, at(3, 0), 0x32);
    mm_on_hart(1);
    read_one(p, at(3, 0));
}

/* A child that copies pages of code, and runs them, and is gone. */
static void copy_and_run(struct process *p)
{
    struct process *child = fork_of(p);
    for (unsigned page = 0; page < WINDOW_PAGES; page++) {
        write_one(child, at(0, page) + 5, 0x14);
        assert_int_equal(model_fetch(child, at(0, page), 0), FAULT_SPURIOUS);
    }
    model_exit(child);
}

/* Row 29: instructions fetched from a copied page are the copy's, although
 * its page has held, and a hart has fetched, others. */
static void test_code_of_a_copied_page(void **unused)
{
    (void)unused;
    struct process *p[2];
    for (unsigned i = 0; i < 2; i++) {
        p[i] = model_create(0);
        map(p[i], 0, RW | RX, -1);
        write_all(p[i], 0, 0x13 + i);
    }
    copy_and_run(p[0]);
    copy_and_run(p[1]);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(model_fetch(p[i], at(0, 0), 0), FAULT_SPURIOUS);
}

static void fetch_all(struct process *p, unsigned window)
{
    for (unsigned i = 0; i < WINDOW_PAGES; i++)
        assert_int_equal(model_fetch(p, at(window, i), 0), FAULT_SPURIOUS);
}

/* A fork that copies bytes at once gives the child pages whose code another
 * program has run, on both harts. */
static void test_u4_code_copied_by_fork(void **unused)
{
    (void)unused;
    struct process *p = model_create(0), *other = model_create(0);
    map(p, 3, RW | RX, -1);
    write_all(p, 3, 0x13);
    map(other, 3, RW | RX, -1);
    write_all(other, 3, 0x73);
    fetch_all(other, 3);
    mm_on_hart(1);
    fetch_all(other, 3);
    model_exit(other);
    assert_true(eager_set_policy("bytes"));
    struct process *child = fork_of(p);
    assert_true(eager_set_policy("share"));
    fetch_all(child, 3);
    mm_on_hart(0);
    fetch_all(child, 3);
}

/* A page that held code before is new memory, and then becomes code. */
static void test_code_of_protected_page(void **unused)
{
    (void)unused;
    for (int i = 0; i < 2; i++) {
        struct process *p = model_create(0);
        unsigned w = model_window(0);
        map(p, 0, RW, -1);
        if (i == 0)
            write_all(p, 0, 0x41);
        else
            assert_int_equal(model_populate(p, w, w + WINDOW_PAGES, 0), 0);
        assert_int_equal(model_protect(p, w, w + WINDOW_PAGES, RX, 0), 0);
        for (unsigned j = 0; j < WINDOW_PAGES; j++)
            assert_int_equal(model_fetch(p, at(0, j), 0), FAULT_SPURIOUS);
        model_exit(p);
    }
}

/* Row 16: both ends of user memory, and beyond. */
static void test_ends_of_user_memory(void **unused)
{
    (void)unused;
    struct process *p = model_create(0);
    map(p, 0, RW, -1);
    map(p, 5, RW, -1);
    write_one(p, 0, 1);
    write_one(p, HAL_USER_TOP - 1, 1);
    assert_int_equal(model_write(p, HAL_USER_TOP - 1, 2, 1, 0), FAULT_SEGV);
    for (unsigned bit = 38; bit < 64; bit++) {
        assert_int_equal(model_read(p, 1ul << bit, 1, 0), FAULT_SEGV);
        assert_int_not_equal(model_copy_in(p, 1ul << bit, 1), 0);
    }
    assert_int_equal(model_read(p, ~0ul, 1, 0), FAULT_SEGV);
    assert_int_not_equal(model_copy_in(p, HAL_USER_TOP - 1, 2), 0);
    struct region bad = {.start = HAL_USER_TOP - HAL_PAGE_SIZE,
                         .end = HAL_USER_TOP + HAL_PAGE_SIZE,
                         .prot = RW};
    assert_int_not_equal(space_map(p->space, &bad), 0);
    assert_int_not_equal(space_unmap(p->space, 0, ~0xffful), 0);
    assert_int_not_equal(space_unmap(p->space, 1, HAL_PAGE_SIZE), 0);
    assert_int_not_equal(space_unmap(p->space, 4096, 4096), 0);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_fork_copies_nothing),
        CASE(test_reading_allocates_nothing),
        CASE(test_chain_of_forks),
        CASE(test_survivor_of_a_copied_node),
        CASE(test_linked_node_outlives_its_sharer),
        CASE(test_hole_in_a_claimed_node),
        CASE(test_read_only_stays_read_only),
        CASE(test_kernel_copies),
        CASE(test_sole_owner_writes_without_memory),
        CASE(test_fault_without_memory),
        CASE(test_seventy_thousand_edges),
        CASE(test_zero_page),
        CASE(test_unmap),
        CASE(test_unmap_of_whole_nodes),
        CASE(test_many_pages_of_a_node),
        CASE(test_populate_beyond_a_file),
        CASE(test_bad_arguments),
        CASE(test_protect_revokes),
        CASE(test_protect_of_lazy_copies),
        CASE(test_first_touch_of_a_lazy_node),
        CASE(test_fork_flushes_other_harts),
        CASE(test_copy_flushes_other_harts),
        CASE(test_code_of_a_copied_page),
        CASE(test_u4_code_copied_by_fork),
        CASE(test_code_of_protected_page),
        CASE(test_ends_of_user_memory),
    };
    model_init(16ul << 20);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
