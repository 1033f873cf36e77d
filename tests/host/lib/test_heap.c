/* sources: kernel/lib/heap.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "host/lib/seed.h"
#include "lib/heap.h"

#define NODES 1000

static struct heap_node nodes[NODES];

/* Whether a half is never less than its node, and the right one never deeper;
 * the depth. */
static unsigned check(const struct heap_node *node)
{
    if (!node)
        return 0;
    assert_true(!node->left || node->left->key >= node->key);
    assert_true(!node->right || node->right->key >= node->key);
    unsigned left = check(node->left), right = check(node->right);
    assert_true(left >= right);
    assert_int_equal(node->depth, right + 1);
    return right + 1;
}

static void test_an_empty_heap(void **state)
{
    struct heap_node *heap = NULL;

    (void)state;
    assert_null(heap_pop(&heap));
    heap_push(&heap, &nodes[0]);
    assert_ptr_equal(heap_pop(&heap), &nodes[0]);
    assert_null(heap_pop(&heap));
}

/* In ascending, descending and random order, with keys that are the same. */
static void test_the_least_comes_first(void **state)
{
    struct heap_node *heap = NULL;

    (void)state;
    srand(test_seed(1));
    for (unsigned order = 0; order < 3; order++) {
        uint64_t last = 0;
        for (unsigned i = 0; i < NODES; i++) {
            nodes[i].key = order == 0   ? i
                           : order == 1 ? NODES - i
                                        : (unsigned)rand() % NODES;
            heap_push(&heap, &nodes[i]);
        }
        /* 2^10 is more than there are. */
        assert_true(check(heap) <= 10);
        for (unsigned i = 0; i < NODES; i++) {
            struct heap_node *node = heap_pop(&heap);
            assert_true(node->key >= last);
            last = node->key;
        }
        assert_null(heap);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_heap),
        cmocka_unit_test(test_the_least_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
