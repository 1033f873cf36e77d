/*
 * Region lists against a map that has one entry a page.
 */
/* sources: tests/host/mm/hal.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "lib/bits.h"
#include "mm/region.h"
#include "host/mm/hal.h"
#include "host/lib/seed.h"

#define PAGES   48
#define OBJECTS 2
#define BASE    0x10000ul

struct entry {
    uint8_t prot; /* 0: no region */
    int object;   /* -1: anonymous */
    uint64_t offset;
};

static int users[OBJECTS];

static void get(struct object *object);
static void put(struct object *object);

static const struct object_ops ops = {.get = get, .put = put};
static struct object objects[OBJECTS] = {{&ops}, {&ops}};

static void get(struct object *object)
{
    users[object - objects]++;
}

static void put(struct object *object)
{
    users[object - objects]--;
}

static uint64_t address(unsigned page)
{
    return BASE + page * HAL_PAGE_SIZE;
}

/* ---- The list is what the map says
 * ------------------------------------------- */

static void check_page(const struct region_list *list, const struct entry *map,
                       unsigned page)
{
    static const uint64_t within[] = {0, 1, HAL_PAGE_SIZE - 1};
    const struct entry *e = &map[page];
    for (unsigned i = 0; i < 3; i++) {
        const struct region *r = region_find(list, address(page) + within[i]);
        assert_true(!r == !e->prot);
        if (!r)
            continue;
        assert_int_equal(r->prot, e->prot);
        assert_ptr_equal(r->object, e->object < 0 ? NULL : &objects[e->object]);
        if (r->object)
            assert_int_equal(r->offset + address(page) - r->start, e->offset);
    }
}

/* Sorted, apart, and each object counted as often as regions refer to it. */
static void check_order(const struct region_list *list, int found[OBJECTS])
{
    for (uint32_t i = 0; i < list->length; i++) {
        const struct region *r = &list->regions[i];
        assert_true(r->start < r->end);
        assert_true(i == 0 || list->regions[i - 1].end <= r->start);
        if (r->object)
            found[r->object - objects]++;
    }
    assert_true(list->length <= list->capacity);
}

static void check(const struct region_list *list, const struct entry *map)
{
    for (unsigned page = 0; page < PAGES; page++)
        check_page(list, map, page);
    assert_null(region_find(list, BASE - 1));
    assert_null(region_find(list, address(PAGES)));
}

static bool overlaps(const struct entry *map, unsigned first, unsigned end)
{
    for (; first < end; first++)
        if (map[first].prot)
            return true;
    return false;
}

/* ---- Random changes
 * ------------------------------------------------------------ */

static void insert(struct region_list **list, struct entry *map, unsigned first,
                   unsigned end)
{
    int object = rand() % 4 - 1;
    object = object < OBJECTS ? object : -1;
    uint64_t offset = rand() % 3 * HAL_PAGE_SIZE;
    /* Often what goes on where the region before ends. */
    if (first > 0 && map[first - 1].prot && rand() % 2) {
        object = map[first - 1].object;
        offset = map[first - 1].offset + HAL_PAGE_SIZE;
    }
    struct region r = {.start = address(first),
                       .end = address(end),
                       .prot = 1 + rand() % 2,
                       .object = object < 0 ? NULL : &objects[object],
                       .offset = offset};
    assert_int_equal(region_list_unshare(list, 1), 0);
    region_insert(*list, &r);
    for (unsigned i = first; i < end; i++)
        map[i] = (struct entry){r.prot, object,
                                offset + (i - first) * HAL_PAGE_SIZE};
}

static void change(struct region_list **list, struct entry *map)
{
    unsigned first = rand() % PAGES, count = 1 + rand() % 9;
    unsigned end = MIN(first + count, (unsigned)PAGES);
    uint8_t prot = 1 + rand() % 3;
    bool any = overlaps(map, first, end);
    assert_int_equal(region_overlaps(*list, address(first), address(end)), any);
    if (!any) {
        insert(list, map, first, end);
    } else if (rand() % 2) {
        assert_int_equal(region_list_unshare(list, 1), 0);
        region_remove(*list, address(first), address(end));
        for (unsigned i = first; i < end; i++)
            map[i].prot = 0;
    } else {
        assert_int_equal(region_list_unshare(list, 2), 0);
        region_protect(*list, address(first), address(end), prot);
        for (unsigned i = first; i < end; i++)
            map[i].prot = map[i].prot ? prot : 0;
    }
}

static void check_users(struct region_list *const *lists, unsigned count)
{
    int found[OBJECTS] = {0};
    for (unsigned i = 0; i < count; i++)
        check_order(lists[i], found);
    assert_memory_equal(found, users, sizeof users);
}

static void test_against_map(void **unused)
{
    (void)unused;
    struct entry map[PAGES] = {0};
    uint64_t before = page_unused_count();
    struct region_list *list = region_list_create(0);
    srand(test_seed(3));
    for (unsigned i = 0; i < 20000; i++) {
        change(&list, map);
        check(list, map);
        check_users(&list, 1);
    }
    region_list_put(list);
    assert_int_equal(users[0] + users[1], 0);
    assert_int_equal(page_unused_count(), before);
}

/* Lists are shared by many, and each changes its own. */
static void test_shared(void **unused)
{
    (void)unused;
    enum { LISTS = 5 };
    struct entry maps[LISTS][PAGES] = {0};
    struct region_list *lists[LISTS] = {region_list_create(4)};
    uint64_t before = page_unused_count();
    srand(test_seed(4));
    for (unsigned i = 1; i < LISTS; i++)
        lists[i] = region_list_get(lists[0]);
    for (unsigned i = 0; i < 10000; i++) {
        unsigned one = rand() % LISTS, other = rand() % LISTS;
        if (rand() % 8 == 0) {
            struct region_list *old = lists[one];
            lists[one] = region_list_get(lists[other]);
            region_list_put(old);
            memcpy(maps[one], maps[other], sizeof maps[one]);
        } else {
            change(&lists[one], maps[one]);
        }
        for (unsigned j = 0; j < LISTS; j++)
            check(lists[j], maps[j]);
    }
    for (unsigned i = 0; i < LISTS; i++)
        region_list_put(lists[i]);
    assert_int_equal(users[0] + users[1], 0);
    assert_true(page_unused_count() >= before);
}

static void test_without_memory(void **unused)
{
    (void)unused;
    struct entry map[PAGES] = {0};
    struct region_list *list = region_list_create(1), *old;
    insert(&list, map, 1, 5);
    old = list;
    page_fail_after(1);
    assert_int_not_equal(region_list_unshare(&list, 1), 0);
    assert_ptr_equal(list, old);
    check(list, map);
    region_list_get(list);
    page_fail_after(1);
    assert_int_not_equal(region_list_unshare(&list, 0), 0);
    page_fail_after(0);
    assert_ptr_equal(list, old);
    assert_int_equal(region_list_unshare(&list, 0), 0);
    assert_ptr_not_equal(list, old);
    check(list, map);
    check(old, map);
    region_list_put(list);
    region_list_put(old);
    page_fail_after(1);
    assert_null(region_list_create(1));
    page_fail_after(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_map),
        cmocka_unit_test(test_shared),
        cmocka_unit_test(test_without_memory),
    };
    mm_boot(8ul << 20);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
