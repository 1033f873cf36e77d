/*
 * The journal with several harts: operations, commits by whoever wants one, and
 * a device that ends requests in any order, all at once. Groups of blocks are
 * always changed together, so in any state of the disk after a power cut the
 * blocks of a group must be alike, and none older than what was committed.
 */
/* sanitize: thread */
/* sources: tests/host/disk/journal_image.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "host/disk/journal_image.h"
#include "lib/bits.h"
#include "lib/errno.h"
#include "host/mm/hal.h"
#include "host/lib/seed.h"
#include "sched/mutex.h"

#define MEMORY     (32ul << 20)
#define WORKERS    2
#define GROUPS     12
#define GROUP_SIZE 5
#define OPERATIONS 300

static struct image image;
static struct mutex groups[GROUPS];
static _Atomic uint32_t values[GROUPS]; /* of operations that have ended */

static uint32_t block_of(unsigned group, unsigned number)
{
    /* Spread, so that groups share pages. */
    return image.free + number * GROUPS + group;
}

/* Give all blocks of a group its next value. */
static void operate(unsigned group)
{
    struct journal_handle handle;
    assert_int_equal(image_begin(image.journal, GROUP_SIZE, &handle), 0);
    mutex_lock(&groups[group]);
    uint32_t value = values[group] + 1;
    for (unsigned i = 0; i < GROUP_SIZE; i++) {
        void *bytes;
        assert_int_equal(journal_change(&handle, block_of(group, i), &bytes),
                         0);
        image_fill(&image, bytes, value);
    }
    mutex_unlock(&groups[group]);
    journal_end(&handle);
    /* The group may have moved on. */
    uint32_t seen = values[group];
    while (seen < value &&
           !atomic_compare_exchange_weak(&values[group], &seen, value))
        ;
}

/* Commit, and note in the history what must be there from now on. */
static void commit(void)
{
    uint32_t before[GROUPS];
    for (unsigned i = 0; i < GROUPS; i++)
        before[i] = values[i];
    assert_int_equal(journal_commit(image.journal), 0);
    for (unsigned i = 0; i < GROUPS; i++)
        disk_mark(image.disk, (uint64_t)i << 32 | before[i]);
}

static void work(unsigned hart)
{
    uint64_t random = (test_number("SEED", 1) + hart) * 2 + 1;
    for (unsigned i = 0; i < OPERATIONS; i++) {
        if (disk_random(&random) % 16 == 0)
            commit();
        else
            operate(disk_random(&random) % GROUPS);
    }
}

static void *worker(void *hart)
{
    mm_on_hart((unsigned)(uintptr_t)hart);
    work((unsigned)(uintptr_t)hart);
    return NULL;
}

/* After the cut each group is one value, none older than `least`. */
static void check_groups(const struct image *cut, const uint32_t *least)
{
    for (unsigned g = 0; g < GROUPS; g++) {
        uint32_t value;
        memcpy(&value, image_block(cut, block_of(g, 0)), sizeof value);
        if (value < least[g])
            mm_fail("group %u: %u was committed, %u is there", g, least[g],
                    value);
        for (unsigned i = 0; i < GROUP_SIZE; i++)
            if (!image_is(cut, image_block(cut, block_of(g, i)), value))
                mm_fail("group %u: block %u is not as the first", g, i);
    }
}

static void check_cut(size_t at, uint64_t seed)
{
    struct image cut;
    uint32_t least[GROUPS] = {0};
    for (size_t i = 0; i < at; i++) {
        const struct disk_event *event = &image.disk->events[i];
        unsigned group = (unsigned)(event->sector >> 32);
        if (event->kind == DISK_MARK)
            least[group] = MAX(least[group], (uint32_t)event->sector);
    }
    image_use(&cut, disk_after_cut(image.disk, at, seed));
    assert_int_equal(image_open(&cut, NULL), 0);
    image_crash(&cut);
    check_groups(&cut, least);
    image_free(&cut);
}

static void test_all_at_once(void **state)
{
    (void)state;
    pthread_t threads[WORKERS];
    uint64_t random = test_number("SEED", 1) | 1;
    image_make(&image, "-t ext3 -b 1024 -J size=1", 4 << 20);
    for (unsigned i = 0; i < GROUPS; i++)
        mutex_init(&groups[i], LOCK_OBJECT);
    assert_int_equal(image_open(&image, NULL), 0);
    disk_record(image.disk);
    disk_serve(image.disk, random);
    for (uintptr_t i = 0; i < WORKERS; i++)
        pthread_create(&threads[i], NULL, worker, (void *)(i + 1));
    work(0);
    for (unsigned i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    disk_unserve(image.disk);
    size_t events = image.disk->event_count;
    for (unsigned i = 0; i < test_number("CUTS", 100); i++)
        check_cut(disk_random(&random) % (events + 1), random);
    assert_int_equal(image_close(&image), 0);
    assert_int_equal(image.deaths, 0);
    image_free(&image);
    assert_int_equal(mm_audit(), 0);
}

static int setup(void **state)
{
    (void)state;
    mm_boot(MEMORY);
    return cache_start();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_at_once),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
