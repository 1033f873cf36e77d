/*
 * What is done with an entry depends on its kind, not on its level: a leaf of
 * level 1 and a leaf that is absent pass through sharing, sealing, protecting,
 * dropping, the audit and the reports like any other, though nothing in the
 * kernel makes them yet.
 */
/* sources: tests/host/mm/hal.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "host/mm/hal.h"
#include "lib/text.h"
#include "mm/pt_node.h"

#define RW    (PROT_READ | PROT_WRITE)
#define PLACE (5ul << 30)
#define MIB2  (1ul << 21)

static uint64_t frames_before;
static struct space *space;
static struct page *block;

static int begin(void **unused)
{
    (void)unused;
    struct region region = {
        .start = PLACE, .end = PLACE + 2 * MIB2, .prot = RW};
    frames_before = page_unused_count();
    space = space_create();
    space_enter(space);
    return space_map(space, &region);
}

static int end(void **unused)
{
    (void)unused;
    assert_int_equal(mm_audit(), 0);
    mm_leave(space);
    space_destroy(space);
    assert_int_equal(page_unused_count(), frames_before);
    return 0;
}

/* The slot of PLACE in its node of level 1, which is the space's own. */
static pte_t *slot_of_level_1(struct page **node)
{
    pt_unshare(&space->machine, space->root, PLACE + MIB2); /* makes the node */
    *node = pte_page(pt_slots(space->root)[pt_slot(PLACE, PT_ROOT_LEVEL)]);
    node_note_used(*node, pt_slot(PLACE, 1));
    return &pt_slots(*node)[pt_slot(PLACE, 1)];
}

static pte_t *put_block(struct page **node)
{
    pte_t *slot = slot_of_level_1(node);
    block = page_alloc_block(PAGE_ANONYMOUS, PT_SLOT_BITS);
    assert_non_null(block);
    pt_fill(slot, pte_leaf(page_physical(block), true, false));
    return slot;
}

static pte_t absent(void)
{
    return (pte_t){UINT64_C(4711) << 10 | SV39_SOFT_UNCOUNTED};
}

static void test_large_leaf_is_shared(void **unused)
{
    (void)unused;
    struct page *node;
    pte_t *slot = put_block(&node);
    struct page *copy = pt_share(node);
    assert_int_equal(page_count(block), 2);
    assert_false(pte_writable(*slot));
    assert_int_equal(pt_slots(copy)[pt_slot(PLACE, 1)].bits, slot->bits);
    pt_put(copy);
    assert_int_equal(page_count(block), 1);
    node_claim(&pt_slots(space->root)[pt_slot(PLACE, PT_ROOT_LEVEL)], node);
}

static void test_large_leaf_survives_a_fork(void **unused)
{
    (void)unused;
    struct page *node;
    put_block(&node);
    struct space *child = space_fork(space, 0, 0);
    assert_int_equal(mm_audit(), 0);
    assert_int_equal(page_count(block), 1); /* its node is what is shared */
    space_destroy(child);
}

static void test_large_leaf_is_protected(void **unused)
{
    (void)unused;
    struct page *node;
    pte_t *slot = put_block(&node);
    assert_int_equal(
        space_protect(space, PLACE, PLACE + 2 * MIB2, PROT_READ | PROT_EXECUTE),
        0);
    assert_false(pte_writable(*slot));
    assert_true(pte_executable(*slot));
}

static void test_large_leaf_is_dropped(void **unused)
{
    (void)unused;
    struct page *node;
    pte_t *slot = put_block(&node);
    assert_int_equal(space_unmap(space, PLACE, PLACE + MIB2), 0);
    assert_true(pte_is_none(*slot));
    assert_true(page_is_free(block));
}

static void test_large_leaf_is_told_of(void **unused)
{
    (void)unused;
    char buffer[1000];
    struct text text;
    struct page *node;
    put_block(&node);
    text_init(&text, buffer, sizeof buffer);
    space_print_tree(space, &text);
    assert_non_null(strstr(buffer, "1 owned 0 lazy 0 linked 1 leaves, "
                                   "1 writable"));
    assert_int_equal(space_resident(space), 512);
    assert_int_equal(mm_audit(), 0);
    page_get(block);
    assert_true(mm_audit() > 0);
    page_put(block);
}

static void test_absent_leaf_passes_through(void **unused)
{
    (void)unused;
    char buffer[1000];
    struct text text;
    struct page *node;
    for (unsigned level = 0; level < 2; level++) {
        pte_t *slot = level ? slot_of_level_1(&node)
                            : pt_unshare(&space->machine, space->root, PLACE);
        pt_fill(slot, absent());
        assert_int_equal(pte_kind(absent()), PTE_NONE); /* as hardware has it */
        struct space *child = space_fork(space, PLACE, 0);
        assert_int_equal(mm_audit(), 0);
        space_destroy(child);
        assert_int_equal(
            space_protect(space, PLACE, PLACE + 2 * MIB2, PROT_READ), 0);
        slot = level ? slot_of_level_1(&node)
                     : pt_unshare(&space->machine, space->root, PLACE);
        assert_int_equal(slot->bits, absent().bits);
        text_init(&text, buffer, sizeof buffer);
        space_print_tree(space, &text);
        assert_int_equal(space_resident(space), 0);
        assert_int_equal(space_unmap(space, PLACE, PLACE + MIB2), 0);
        assert_true(level == 0 || pte_is_none(*slot));
        end(NULL);
        begin(NULL);
    }
}

static void test_shared_is_what_two_may_have(void **unused)
{
    (void)unused;
    const uint64_t at = 0x81234000;
    assert_int_equal(pte_shared(pte_owned(at)).bits, pte_lazy(at).bits);
    assert_int_equal(pte_shared(pte_lazy(at)).bits, pte_lazy(at).bits);
    assert_int_equal(pte_shared(pte_linked(at)).bits, pte_linked(at).bits);
    assert_int_equal(pte_shared(pte_leaf(at, true, true)).bits,
                     pte_leaf(at, false, true).bits);
    assert_int_equal(pte_shared(absent()).bits, absent().bits);
    assert_int_equal(pte_shared(pte_none()).bits, 0);
    assert_true(pte_is_edge(pte_owned(at)) && pte_is_edge(pte_lazy(at)) &&
                pte_is_edge(pte_linked(at)));
    assert_false(pte_is_edge(pte_none()) || pte_is_edge(absent()) ||
                 pte_is_edge(pte_leaf(at, false, false)));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_large_leaf_is_shared),
        CASE(test_large_leaf_survives_a_fork),
        CASE(test_large_leaf_is_protected),
        CASE(test_large_leaf_is_dropped),
        CASE(test_large_leaf_is_told_of),
        CASE(test_absent_leaf_passes_through),
        CASE(test_shared_is_what_two_may_have),
    };
    mm_boot(16ul << 20);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
