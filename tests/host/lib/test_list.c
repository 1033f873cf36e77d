/*
 * Rings: order, removal from anywhere, and walks that remove what they visit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/list.h"

struct item {
    int value;
    struct list link;
};

/* The values in the ring, first digit first; both directions must agree. */
static int digits(struct list *head)
{
    struct item *item = NULL;
    int forward = 0, backward = 0, scale = 1;

    list_for_each(item, head, link)
        forward = forward * 10 + item->value;
    for (struct list *at = head->prev; at != head; at = at->prev) {
        backward += scale * list_entry(at, struct item, link)->value;
        scale *= 10;
    }
    assert_int_equal(forward, backward);
    return forward;
}

static void fill(struct list *head, struct item *items, int count)
{
    list_init(head);
    for (int i = 0; i < count; i++) {
        items[i].value = i + 1;
        list_init(&items[i].link);
        list_push_back(head, &items[i].link);
    }
}

static void test_empty(void **state)
{
    struct list head;

    (void)state;
    list_init(&head);
    assert_true(list_is_empty(&head));
    assert_null(list_first(&head));
    assert_null(list_pop_front(&head));
    assert_int_equal(digits(&head), 0);
}

static void test_order(void **state)
{
    struct list head;
    struct item items[4], extra = {.value = 9};

    (void)state;
    fill(&head, items, 4);
    assert_int_equal(digits(&head), 1234);
    list_push_front(&head, &extra.link);
    assert_int_equal(digits(&head), 91234);
    list_remove(&extra.link);
    assert_false(list_is_linked(&extra.link));
    list_insert_before(&items[2].link, &extra.link);
    assert_true(list_is_linked(&extra.link));
    assert_int_equal(digits(&head), 12934);
    assert_ptr_equal(list_first(&head), &items[0].link);
    assert_ptr_equal(head.prev, &items[3].link);
}

static void test_remove(void **state)
{
    struct list head;
    struct item items[4];

    (void)state;
    fill(&head, items, 4);
    list_remove(&items[1].link);
    assert_int_equal(digits(&head), 134);
    list_remove(&items[1].link);
    assert_int_equal(digits(&head), 134);
    assert_ptr_equal(list_pop_front(&head), &items[0].link);
    assert_false(list_is_linked(&items[0].link));
    list_remove(&items[3].link);
    assert_int_equal(digits(&head), 3);
    list_remove(&items[2].link);
    assert_true(list_is_empty(&head));
}

static void test_walks(void **state)
{
    struct list head;
    struct item items[6], *item = NULL, *other = NULL;
    int pairs = 0;

    (void)state;
    fill(&head, items, 6);
    list_for_each_safe(item, &head, link) {
        if (item->value % 2)
            list_remove(&item->link);
    }
    assert_int_equal(digits(&head), 246);
    assert_ptr_equal(item, &items[5]);
    list_for_each(item, &head, link) {
        list_for_each(other, &head, link)
            pairs++;
        if (item->value == 4)
            break;
    }
    assert_int_equal(pairs, 6);
    assert_ptr_equal(item, &items[3]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_remove),
        cmocka_unit_test(test_walks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
