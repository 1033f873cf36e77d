/*
 * The index of names, against a list of what was put in; at its
 * bounds; without memory; and taken by a shrinker.
 */
/* sources: kernel/vfs/name_index.c kernel/lib/panic.c kernel/lib/printf.c */
/* sources: kernel/vfs/inode.c tests/host/fs/stubs.c */
/* flags: -include tests/host/fs/hal.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "vfs/name_index.h"
#include "host/fs/stubs.h"
#include "host/lib/seed.h"

#define ENTRIES 60000u

static struct name_index list;

/* It is begun at the third look. */
static void begin(void)
{
    while (!name_index_begin(&list))
        continue;
}

static unsigned places_of(uint32_t hash, uint32_t wanted)
{
    struct name_search search = name_index_search(&list, hash);
    uint32_t place;
    unsigned found = 0;

    while (name_index_next(&search, &place))
        found += place == wanted;
    return found;
}

static int finish(void **state)
{
    (void)state;
    name_index_drop(&list);
    assert_int_equal(stub_frames, 0);
    assert_int_equal(stub_locks_held, 0);
    return 0;
}

static void test_begins_after_looks(void **state)
{
    (void)state;
    assert_false(name_index_hold(&list));
    assert_false(name_index_begin(&list));
    assert_false(name_index_begin(&list));
    assert_int_equal(stub_frames, 0);
    assert_true(name_index_begin(&list));
    name_index_release(&list);
    assert_true(name_index_hold(&list));
    name_index_release(&list);
}

static void test_random(void **state)
{
    static struct {
        uint32_t hash;
        bool there;
    } model[ENTRIES];

    (void)state;
    srand(test_seed(1));
    begin();
    for (unsigned i = 0; i < 4 * ENTRIES; i++) {
        uint32_t place = (uint32_t)rand() % ENTRIES;

        if (model[place].there) {
            name_index_remove(&list, model[place].hash, place);
            assert_int_equal(places_of(model[place].hash, place), 0);
        } else {
            /* Some hashes are of several names. */
            model[place].hash = (uint32_t)rand() << 8 & 0xfffff000u;
            assert_int_equal(name_index_add(&list, model[place].hash, place),
                             0);
        }
        model[place].there = !model[place].there;
    }
    for (uint32_t place = 0; place < ENTRIES; place++)
        assert_int_equal(places_of(model[place].hash, place),
                         model[place].there);
    name_index_release(&list);
}

/* Without memory, or with one too many of a hash, it is given up. */
static void test_without_memory(void **state)
{
    unsigned added = 0;

    (void)state;
    begin();
    stub_fail_after = 3;
    while (!name_index_add(&list, (uint32_t)added * 2654435769u, added))
        added++;
    stub_fail_after = 0;
    assert_in_range(added, 300, 2000);
    assert_int_equal(stub_frames, 0);
    assert_false(name_index_hold(&list));
}

static void test_one_hash(void **state)
{
    unsigned added = 0;

    (void)state;
    begin();
    while (added < 5000 && !name_index_add(&list, 0x12345678, added))
        added++;
    assert_in_range(added, 250, 260);
    assert_int_equal(stub_frames, 0);
}

/* The last hash there is, and so many names as fit. */
static void test_full(void **state)
{
    uint32_t added = 0;

    (void)state;
    begin();
    while (!name_index_add(&list, UINT32_MAX - added * 9001u, added)) {
        assert_true(stub_frames <= NAME_INDEX_PAGES);
        added++;
    }
    assert_in_range(added, 300000, 530000);
    assert_int_equal(stub_frames, 0);
}

static void test_shrinker_takes_the_oldest(void **state)
{
    static struct name_index other;

    (void)state;
    begin();
    name_index_release(&list);
    while (!name_index_begin(&other))
        continue;
    assert_int_equal(stub_shrinker->count(), 1);
    assert_int_equal(stub_shrinker->scan(1), 1);
    assert_false(name_index_hold(&list));
    assert_int_equal(stub_shrinker->scan(1), 0); /* the other is held */
    name_index_release(&other);
    assert_int_equal(stub_shrinker->scan(100), 1);
    assert_int_equal(stub_shrinker->count(), 0);
    name_index_drop(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_begins_after_looks, finish),
        cmocka_unit_test_teardown(test_random, finish),
        cmocka_unit_test_teardown(test_without_memory, finish),
        cmocka_unit_test_teardown(test_one_hash, finish),
        cmocka_unit_test_teardown(test_full, finish),
        cmocka_unit_test_teardown(test_shrinker_takes_the_oldest, finish),
    };

    name_index_init();
    return cmocka_run_group_tests_name("name_index", tests, NULL, NULL);
}
